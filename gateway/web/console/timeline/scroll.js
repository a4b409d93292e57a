/** Where somebody reads: kept in place when something comes above it, at the end when they were at the end. */

const AT_END_PX = 64;
const NEAR_TOP_PX = 600;

/**
 * @param {HTMLElement} box what scrolls
 * @param {{onTop: () => void, onMove: () => void}} told `onTop` when the beginning is near
 */
export function createScroll(box, { onTop, onMove }) {
  const it = { stick: true };
  const left = () => box.scrollHeight - box.scrollTop - box.clientHeight;
  const toEnd = () => { it.stick = true; box.scrollTop = box.scrollHeight; };

  box.addEventListener('scroll', () => {
    it.stick = left() < AT_END_PX;
    if (box.scrollTop < NEAR_TOP_PX) onTop();
    onMove();
  }, { passive: true });
  // Pictures and mails grow when they have come: the end stays the end.
  const sizes = new ResizeObserver(() => { if (it.stick) toEnd(); });
  sizes.observe(box);
  for (const child of box.children) sizes.observe(child);

  return {
    atEnd: () => it.stick,
    toEnd,
    /** Change what is inside without moving what is seen. @param {() => void} change */
    keep(change) {
      const anchor = it.stick ? null : firstInView(box);
      const before = anchor?.getBoundingClientRect().top ?? 0;
      change();
      if (it.stick) toEnd();
      else if (anchor?.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - before;
    },
    /** @param {Element} element */
    show(element, block = 'center') {
      element.scrollIntoView({ block: /** @type {any} */ (block) });
      it.stick = left() < AT_END_PX;
    },
    destroy: () => sizes.disconnect(),
  };
}

/** @param {HTMLElement} box @returns {Element | null} the first row that can be seen */
function firstInView(box) {
  const top = box.getBoundingClientRect().top;
  return [...box.querySelectorAll('[data-row]')].find((row) => row.getBoundingClientRect().bottom > top) ?? null;
}
