/** The words of the conversation. English is the key, so that what no one has translated is still said. */
import { t } from '../strings.js';

export const say = t;

/** @param {number} count @param {string} one @param {string} many */
export function sayCount(count, one, many) {
  return say(count === 1 ? one : many, { n: count });
}
