/** Trees of text as elements, and what is folded away. */
import { h } from '../dom.js';
import { t } from '../strings.js';

/** @param {any} tree of `readText` @returns {any} */
export function grow(tree) {
  return typeof tree === 'string' ? tree : h(tree[0], tree[1], ...tree.slice(2).map(grow));
}

/** What stood below the new words, folded away. @param {string} label @param {any} content */
export function folded(label, content) {
  return h('details', { class: 'folded' }, h('summary', { title: t(label), 'aria-label': t(label) }, '•••'), content);
}
