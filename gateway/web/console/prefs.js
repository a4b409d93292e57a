/** What one person likes on one device: kept in the browser, told to nobody. */

const PLACE = 'switchboard.console';
const DEFAULTS = { theme: 'auto', keys: true, sound: false, notify: false, context: true, drawer: false, dir: 'auto', presence: 'online', widths: {} };

/** @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, on: (name: string, fn: (value: any) => void) => () => void}} Prefs */

/** @returns {Prefs} */
export function createPrefs() {
  const values = { ...DEFAULTS, ...read() };
  /** @type {Map<string, Set<(value: any) => void>>} */
  const listeners = new Map();
  return {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      write(values);
      for (const fn of listeners.get(name) ?? []) fn(value);
    },
    on(name, fn) {
      listeners.set(name, (listeners.get(name) ?? new Set()).add(fn));
      return () => void listeners.get(name)?.delete(fn);
    },
  };
}

/** Give the page its looks, now and whenever they are chosen anew. @param {Prefs} prefs */
export function applyLooks(prefs) {
  const root = document.documentElement;
  const theme = (value) => (value === 'auto' ? delete root.dataset.theme : (root.dataset.theme = value));
  const dir = (value) => (root.dir = value === 'rtl' ? 'rtl' : 'ltr');
  theme(prefs.get('theme'));
  dir(prefs.get('dir'));
  prefs.on('theme', theme);
  prefs.on('dir', dir);
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? '{}');
  } catch {
    return {};
  }
}

function write(values) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(values));
  } catch {
    // A browser that keeps nothing has the defaults each time.
  }
}
