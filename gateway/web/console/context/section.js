/** A part of the panel that opens and closes, and stays as it was left on this device. */
import { h, icon } from '../dom.js';
import { say } from '../timeline/words.js';

const PLACE = 'switchboard.sections';

/** @param {string} key @param {string} title @param {any} content @param {number} [count] */
export function section(key, title, content, count) {
  const closed = readClosed();
  const details = h('details', { class: 'section', open: !closed.includes(key) },
    h('summary', {}, icon('chevron'), h('h3', {}, say(title)), count !== undefined && h('span', { class: 'faint number' }, count)), h('div', { class: 'section-body' }, content));
  details.addEventListener('toggle', () => writeClosed(key, !details.open));
  return details;
}

function readClosed() {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? '[]');
  } catch {
    return [];
  }
}

function writeClosed(key, closed) {
  const others = readClosed().filter((one) => one !== key);
  try {
    localStorage.setItem(PLACE, JSON.stringify(closed ? [...others, key] : others));
  } catch {
    // It opens again the next time.
  }
}
