/** Times, names and numbers as people read them. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const plain = new Intl.NumberFormat();

/** How far this device's clock is off, in milliseconds; a little is the way of the answer, and counts as nothing. */
let skew = 0;
const SKEW_NOTED_MS = 5000;

/** Learn from an answer what time it is. @param {string|null} date the header of that name */
export function noteTime(date) {
  const off = Date.parse(date ?? '') - Date.now();
  if (off) skew = Math.abs(off) < SKEW_NOTED_MS ? 0 : off;
}

/** The time by the gateway's clock, in milliseconds. */
export const now = () => Date.now() + skew;

/** How long, in one unit: "now", "4m", "3h", "2d". @param {number} ms */
export function showSpan(ms) {
  if (ms < MINUTE) return 'now';
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/** A moment in a list: the time today, the day otherwise. @param {string} at RFC 3339 */
export function showMoment(at, now = new Date()) {
  const then = new Date(at);
  return then.toDateString() === now.toDateString() ? clock.format(then) : day.format(then);
}

/** @param {string} at */
export const showClock = (at) => clock.format(new Date(at));
/** @param {string} at */
export const showDay = (at) => longDay.format(new Date(at));
/** @param {string} at */
export const showWhole = (at) => whole.format(new Date(at));
/** @param {number} value */
export const showNumber = (value) => plain.format(value);

/** Sentences one after the other, each with its end. @param {...(string|null|undefined)} parts */
export function sentences(...parts) {
  return parts.filter(Boolean).map((part) => (/[.!?…]$/.test(part ?? '') ? part : `${part}.`)).join(' ');
}

/** Up to two letters for an avatar; of a number its last digits. @param {string|null|undefined} name */
export function initials(name) {
  const words = (name ?? '').replace(/[^\p{L}\s]/gu, ' ').trim().split(/\s+/).filter(Boolean);
  if (!words.length) return name?.match(/\d{1,2}$/)?.[0] ?? '?';
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0]).join('').toUpperCase();
}

/** A hue that stays with an id. @param {string} id */
export function hueOf(id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return sum;
}

/** An address as people can tell it from others: a visitor of a chat has no more than a number. @param {string|null|undefined} address */
export const showAddress = (address) => address?.replace(/^vis_\w*(\w{4})$/, 'Visitor $1');

/** What a person is called: their name, else where they write from. @param {any} contact */
export function nameOf(contact) {
  return contact?.name || showAddress(contact?.address || contact?.identities?.[0]?.address) || 'Unknown';
}

/** Whose conversation it is: the contact's name, else the address an answer would go to. @param {any} conversation */
export function whoIn({ contact, reply_route: route }) {
  return contact?.name || showAddress(route?.address) || nameOf(contact);
}

/** How urgent a wait is: after a quarter of an hour it shows, after an hour it stands out. @param {number} ms */
export function waitLevel(ms) {
  return ms >= HOUR ? 'bad' : ms >= 15 * MINUTE ? 'warn' : '';
}
