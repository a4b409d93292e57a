/** Rows of one height, of which only those in sight are in the page: ten thousand are as quick as ten. */
import { h, mount } from '../dom.js';

const AHEAD = 8;

/**
 * @param {{height: number, label: string, build: (id: string) => any, paint: (row: HTMLElement, id: string) => void, onend: () => void, onpick: (id: string, event: MouseEvent) => void}} how
 */
export function createVirtualList({ height, label, build, paint, onend, onpick }) {
  const inner = h('div', { class: 'track', role: 'presentation' });
  const element = h('div', { class: 'virtual', role: 'listbox', 'aria-label': label, 'aria-multiselectable': 'true' }, inner);
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();
  let ids = [], total = -1, current = null, frame = 0;

  function draw() {
    frame = 0;
    const from = Math.max(0, Math.floor(element.scrollTop / height) - AHEAD);
    const to = Math.min(ids.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + AHEAD);
    const seen = new Set(ids.slice(from, to));
    const held = heldId();
    for (const [id, row] of rows) {
      // The row that has the focus stays, out of sight or not: else the focus would be lost.
      if (!seen.has(id) && !(id === held && ids.includes(id))) { row.remove(); rows.delete(id); }
    }
    for (let index = from, before = null; index < to; index += 1) before = put(ids[index], index, before);
    if (held && held !== heldId()) rows.get(ids.includes(held) ? held : current)?.focus({ preventScroll: true });
    if (to >= ids.length - AHEAD) onend();
  }

  /** In the order of the list, so that reading by assistive technology follows it. */
  function put(id, index, before) {
    const row = rows.get(id) ?? /** @type {HTMLElement} */ (h('div', { role: 'option', class: 'item', data: { id }, id: `row-${id}` }, build(id)));
    rows.set(id, row);
    row.style.setProperty('inset-block-start', `${index * height}px`);
    row.setAttribute('aria-posinset', String(index + 1));
    row.setAttribute('aria-setsize', String(total));
    row.tabIndex = id === pointed() ? 0 : -1;
    paint(row, id);
    if (row.parentNode !== inner || row.previousSibling !== before) inner.insertBefore(row, before ? before.nextSibling : inner.firstChild);
    return row;
  }

  const pointed = () => current ?? ids[0] ?? null;
  const heldId = () => (document.activeElement instanceof HTMLElement && inner.contains(document.activeElement) ? document.activeElement.dataset.id : undefined);
  const redrawSoon = () => { frame ||= requestAnimationFrame(draw); };
  element.addEventListener('scroll', redrawSoon, { passive: true });
  new ResizeObserver(redrawSoon).observe(element);
  inner.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('.item') : null;
    if (row instanceof HTMLElement) onpick(row.dataset.id ?? '', event);
  });

  return {
    element,
    /** @param {string[]} next @param {{hasMore: boolean}} how */
    show(next, { hasMore }) {
      // What stood at it has gone: what stands there now is next.
      if (current && !next.includes(current)) current = next[Math.min(ids.indexOf(current), next.length - 1)] ?? null;
      ids = next;
      total = hasMore ? -1 : next.length;
      inner.style.setProperty('block-size', `${ids.length * height}px`);
      draw();
    },
    /** Build one anew, where it is in sight. @param {string} id */
    redraw(id) {
      const row = rows.get(id);
      if (row) { mount(row, build(id)); paint(row, id); }
    },
    repaint: () => { for (const [id, row] of rows) paint(row, id); },
    /** The row that Tab reaches. @param {string|null} id @param {{focus?: boolean}} [how] */
    point(id, { focus = false } = {}) {
      current = id;
      const index = id ? ids.indexOf(id) : -1;
      if (index < 0) return;
      const top = index * height;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + height > element.scrollTop + element.clientHeight) element.scrollTop = top + height - element.clientHeight;
      draw();
      for (const [one, row] of rows) row.tabIndex = one === id ? 0 : -1;
      if (focus) rows.get(id ?? '')?.focus({ preventScroll: true });
    },
    /** The row that was pointed at, if any was. */
    current: () => current,
    /** The one that Tab reaches. */
    pointed,
    visible: () => [...rows.keys()],
    top: () => { element.scrollTop = 0; },
  };
}
