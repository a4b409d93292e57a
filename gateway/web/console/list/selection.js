/** Which conversations a change is meant for. */

export function createSelection() {
  const chosen = new Set();
  const listeners = new Set();
  let anchor = null;
  const tell = () => { for (const fn of listeners) fn(); };
  return {
    has: (id) => chosen.has(id),
    size: () => chosen.size,
    /** @returns {string[]} */
    all: () => [...chosen],
    toggle(id) {
      if (!chosen.delete(id)) chosen.add(id);
      anchor = id;
      tell();
    },
    /** From the last one chosen to this one. @param {string} id @param {string[]} ids */
    reach(id, ids) {
      const [from, to] = [ids.indexOf(anchor ?? id), ids.indexOf(id)].sort((one, other) => one - other);
      for (const one of ids.slice(Math.max(from, 0), to + 1)) chosen.add(one);
      tell();
    },
    clear() {
      chosen.clear();
      tell();
    },
    onchange(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
  };
}
