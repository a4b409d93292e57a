/** Rows on the page: drawn once, kept by their keys, drawn anew where they changed, in their order. */
import { h } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { eventRow } from './event.js';
import { messageRow, refreshRow, wordsSign } from './message.js';
import { dayName } from './times.js';

/** @param {HTMLElement} box @param {any} context what rows are drawn with */
export function createRows(box, context) {
  /** @type {Map<string, {sign: string, words: string, node: any}>} */
  const known = new Map();
  return {
    /** @param {string} key @returns {any} */
    find: (key) => known.get(key)?.node,
    /** @param {import('./rows.js').Row[]} wanted */
    place(wanted) {
      takeAway(box, known, wanted);
      let at = /** @type {any} */ (box.firstElementChild);
      for (const row of wanted) {
        const there = at?.dataset.row === row.key;
        const node = nodeOf(row, known, context);
        if (there) at = node.nextElementSibling;
        else box.insertBefore(node, at);
      }
    },
  };
}

/** Rows that are gone, and what stood here while nothing was loaded. */
function takeAway(box, known, wanted) {
  const keys = new Set(wanted.map((row) => row.key));
  for (const [key, { node }] of known) {
    if (keys.has(key)) continue;
    node.remove();
    known.delete(key);
  }
  for (const child of [...box.children]) if (!child.dataset.row) child.remove();
}

function nodeOf(row, known, context) {
  const before = known.get(row.key);
  const sign = signOf(row);
  if (before?.sign === sign) return before.node;
  const words = row.kind === 'entry' ? wordsSign(row.entry) : '';
  const same = words && before?.words === words;
  if (same) refreshRow(before.node, row, context);
  const node = same ? before.node : drawRow(row, context);
  node.dataset.row = row.key;
  if (before?.node.open) node.open = true;
  if (before && !same) before.node.replaceWith(node);
  known.set(row.key, { sign, words, node });
  return node;
}

function drawRow(row, context) {
  if (row.kind === 'day') return h('h2', { class: 'day' }, h('time', { dateTime: row.at, title: showWhole(row.at) }, dayName(row.at)));
  if (row.kind === 'new') return h('p', { class: 'new-mark' }, h('span', {}, t('New')));
  return row.kind === 'events' ? eventRow(row.entries) : messageRow(row, context);
}

function signOf(row) {
  if (row.kind === 'events') return row.entries.map((entry) => entry.id).join();
  return row.kind === 'entry' ? [row.entry.version, row.entry.state, row.entry.delivery?.state, row.head, row.tail, row.hop].join() : '';
}
