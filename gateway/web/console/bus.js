/** Messages between parts of the page that do not know each other. */

/** @typedef {{on: (name: string, fn: (detail: any) => void) => () => void, emit: (name: string, detail?: any) => void, heard: (name: string) => boolean}} Bus */

/** @returns {Bus} */
export function createBus() {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  const listeners = new Map();
  return {
    on(name, fn) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(fn));
      return () => {
        set.delete(fn);
        if (!set.size && listeners.get(name) === set) listeners.delete(name);
      };
    },
    /** One that fails does not keep the others from hearing it. */
    emit(name, detail) {
      for (const fn of [...(listeners.get(name) ?? [])]) {
        try {
          fn(detail);
        } catch (error) {
          reportError(error);
        }
      }
    },
    /** Whether anybody listens. */
    heard: (name) => listeners.has(name),
  };
}
