/** Moments as phones and mail programs show them. */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {string} at RFC 3339 */
export const showClock = (at) => clock.format(new Date(at));
/** @param {string} at */
export const showWhole = (at) => whole.format(new Date(at));

/** The time today, the day otherwise. @param {string} at */
export function showMoment(at, now = new Date()) {
  const then = new Date(at);
  return (then.toDateString() === now.toDateString() ? clock : day).format(then);
}
