/** Which conversations a change is meant for. */
import { createBus } from '../bus.js';

export function createSelection() {
  const chosen = new Set();
  const { on, emit } = createBus();
  let anchor = null;
  const tell = () => emit('change');
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
    /** None but these: nothing is changed that is not seen. @param {string[]} ids */
    keep(ids) {
      if (!chosen.size) return;
      const seen = new Set(ids);
      for (const id of chosen) if (!seen.has(id)) chosen.delete(id);
      tell();
    },
    clear() {
      chosen.clear();
      tell();
    },
    onchange: (fn) => on('change', fn),
  };
}
