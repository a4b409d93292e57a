/** Days, lengths and sizes as people write them. */
import { showDay } from '../format.js';
import { t } from '../strings.js';

const DAY_MS = 86_400_000;

/** @param {string} at @param {Date} [now] "Today", "Yesterday", "Friday, 20 November" */
export function dayName(at, now = new Date()) {
  const that = new Date(at);
  const days = Math.round((midnight(now) - midnight(that)) / DAY_MS);
  if (days === 0 || days === 1) return t(days ? 'Yesterday' : 'Today');
  return that.getFullYear() === now.getFullYear() ? showDay(at) : `${showDay(at)} ${that.getFullYear()}`;
}

/** @param {number} seconds "1:05" */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** @param {number} bytes */
export function size(bytes) {
  const [value, unit] = bytes >= 1e6 ? [bytes / 1e6, 'megabyte'] : [Math.max(bytes / 1e3, 0.1), 'kilobyte'];
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

function midnight(date) {
  return new Date(date).setHours(0, 0, 0, 0);
}
