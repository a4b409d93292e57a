/** The words of the conversation. English is the key, so that what no one has translated is still said. */

/** @type {Record<string, string>} */
let table = {};

/** @param {Record<string, string>} words by the English ones */
export function setWords(words) {
  table = words;
}

/** @param {string} text with `{name}` where a value stands @param {Record<string, any>} [values] */
export function say(text, values = {}) {
  return (table[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** @param {number} count @param {string} one @param {string} many */
export function sayCount(count, one, many) {
  return say(count === 1 ? one : many, { n: count });
}
