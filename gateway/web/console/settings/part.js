/** A part of a settings page. */
import { h } from '../dom.js';

/** @param {string} title @param {...any} content */
export const part = (title, ...content) => h('section', { class: 'card column' }, h('h2', null, title), ...content);
