/** A part of the panel that opens and closes, and stays as it was left on this device. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';

/** @param {any} prefs @param {string} title @param {any} content @param {number} [count] */
export function section(prefs, title, content, count) {
  const folded = () => prefs.get('folded') ?? [];
  const keep = () => prefs.set('folded', [...folded().filter((one) => one !== title), ...(details.open ? [] : [title])]);
  const details = h('details', { class: 'section', open: !folded().includes(title), ontoggle: () => { if (details.open === folded().includes(title)) keep(); } },
    h('summary', {}, icon('chevron'), h('h3', {}, t(title)), count !== undefined && h('span', { class: 'faint number' }, count)), h('div', { class: 'section-body' }, content));
  return details;
}
