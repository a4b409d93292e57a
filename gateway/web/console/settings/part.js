/** What settings pages are made of. */
import { button, h } from '../dom.js';
import { t } from '../strings.js';
import { copyText } from '../toast.js';

/** A part of a page. @param {string} title @param {...any} content */
export const part = (title, ...content) => h('section', { class: 'card column' }, h('h2', null, title), ...content);

/** One thing of several: its picture, what it is called, what else there is to know, and what can be done with it. */
export const settingRow = (picture, title, detail, ...more) => h('li', { class: 'row setting' }, picture,
  h('div', { class: 'grow' }, h('div', { class: 'strong clip', dir: 'auto' }, title), h('div', { class: 'faint small clip' }, detail)), more);

/** A text to be taken elsewhere. @param {string} value */
export const copyable = (value) => h('div', { class: 'row copyable' }, h('pre', { class: 'grow', tabIndex: 0 }, value), button(t('Copy'), () => copyText(value), { icon: 'copy' }));

/** @param {string} name @param {[string, string][]} options values and words */
export const choose = (name, options) => h('select', { name }, options.map(([value, words]) => h('option', { value }, words)));
