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
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.id : undefined;
    for (const [id, row] of rows) {
      // The row that has the focus stays, out of sight or not: else the focus would be lost.
      if (!seen.has(id) && !(id === held && ids.includes(id))) { row.remove(); rows.delete(id); }
    }
    for (let index = from; index < to; index += 1) put(ids[index], index);
    if (to >= ids.length - AHEAD) onend();
  }

  function put(id, index) {
    const row = rows.get(id) ?? /** @type {HTMLElement} */ (h('div', { role: 'option', class: 'item', data: { id }, id: `row-${id}` }, build(id)));
    rows.set(id, row);
    row.style.setProperty('inset-block-start', `${index * height}px`);
    row.setAttribute('aria-posinset', String(index + 1));
    row.setAttribute('aria-setsize', String(total));
    row.tabIndex = id === (current ?? ids[0]) ? 0 : -1;
    paint(row, id);
    // In the order of the list, so that reading by assistive technology follows it.
    if (row.parentNode !== inner) inner.insertBefore(row, [...inner.children].find((one) => ids.indexOf(one.dataset.id) > index) ?? null);
  }

  element.addEventListener('scroll', () => { frame ||= requestAnimationFrame(draw); }, { passive: true });
  new ResizeObserver(() => { frame ||= requestAnimationFrame(draw); }).observe(element);
  inner.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('.item') : null;
    if (row instanceof HTMLElement) onpick(row.dataset.id ?? '', event);
  });

  return {
    element,
    /** @param {string[]} next @param {{hasMore: boolean}} how */
    show(next, { hasMore }) {
      ids = next;
      total = hasMore ? -1 : next.length;
      if (current && !ids.includes(current)) current = null;
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
    current: () => current,
    visible: () => [...rows.keys()],
    top: () => { element.scrollTop = 0; },
  };
}
