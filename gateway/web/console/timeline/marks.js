/** The words somebody searched for, marked where they stand. */
import { h } from '../dom.js';

/** @param {string} query as it was typed: what has a colon is a filter, a minus means without @returns {(nodes: any[]) => any[]} */
export function createMarker(query) {
  const words = searchedWords(query);
  if (!words.length) return (nodes) => nodes;
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'gi');
  const mark = (node) => {
    if (node.nodeType === Node.TEXT_NODE || typeof node === 'string') return split(node.nodeValue ?? node, pattern);
    node.replaceChildren(...[...node.childNodes].flatMap(mark));
    return [node];
  };
  return (nodes) => nodes.flatMap(mark);
}

/** @param {string} query @returns {string[]} */
export function searchedWords(query) {
  return [...query.matchAll(/(?<=^|\s)(?:"([^"]+)"|([^\s":-][^\s":]*)(?=\s|$))/g)].map(([, phrase, word]) => phrase ?? word).filter((word) => !/^(AND|OR|NOT)$/.test(word));
}

/** A split by a group gives, in turn, what stands between and what was found. */
function split(text, pattern) {
  return text.split(pattern).map((piece, at) => (at % 2 ? h('mark', {}, piece) : piece)).filter((piece) => piece !== '');
}
