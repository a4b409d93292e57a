/** Messages between parts of the page that do not know each other. */

/** @typedef {{on: (name: string, fn: (detail: any) => void) => () => void, emit: (name: string, detail?: any) => void}} Bus */

/** @returns {Bus} */
export function createBus() {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  const listeners = new Map();
  return {
    on(name, fn) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(fn));
      return () => void set.delete(fn);
    },
    emit(name, detail) {
      for (const fn of [...(listeners.get(name) ?? [])]) fn(detail);
    },
  };
}
