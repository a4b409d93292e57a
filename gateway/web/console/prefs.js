/** What one person likes on one device: kept in the browser, told to nobody but the other pages there. */
import { createBus } from './bus.js';

const PLACE = 'switchboard.console';
const DEFAULTS = { theme: 'auto', keys: true, sound: false, notify: false, context: true, drawer: false, dir: 'auto', presence: 'online', widths: {} };

/** @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, on: (name: string, fn: (value: any) => void) => () => void}} Prefs */

/** @returns {Prefs} */
export function createPrefs() {
  const values = { ...DEFAULTS, ...read() };
  const { on, emit } = createBus();
  addEventListener('storage', ({ key }) => {
    if (key !== PLACE) return;
    Object.assign(values, read());
    for (const name of Object.keys(DEFAULTS)) emit(name, values[name]);
  });
  return {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      write(values);
      emit(name, value);
    },
    on,
  };
}

/** Give the page its looks, now and whenever they are chosen anew. @param {Prefs} prefs */
export function applyLooks(prefs) {
  const root = document.documentElement;
  const apply = {
    theme: (value) => (value === 'auto' ? delete root.dataset.theme : (root.dataset.theme = value)),
    dir: (value) => (root.dir = value === 'rtl' ? 'rtl' : 'ltr'),
  };
  for (const [name, fn] of Object.entries(apply)) {
    fn(prefs.get(name));
    prefs.on(name, fn);
  }
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
