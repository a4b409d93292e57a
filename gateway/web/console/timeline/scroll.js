/** Where somebody reads: kept in place when something comes above it, at the end when they were at the end. */

const AT_END_PX = 64;
const NEAR_TOP_PX = 600;

/**
 * @param {HTMLElement} box what scrolls
 * @param {{onTop: () => void, onMove: () => void}} told `onTop` when the beginning is near
 */
export function createScroll(box, { onTop, onMove }) {
  let stick = true;
  const look = () => { stick = leftBelow(box) < AT_END_PX; };
  const toEnd = () => { stick = true; box.scrollTop = box.scrollHeight; };
  box.addEventListener('scroll', () => {
    look();
    if (box.scrollTop < NEAR_TOP_PX) onTop();
    onMove();
  }, { passive: true });
  // Pictures and mails grow when they have come: the end stays the end.
  const sizes = new ResizeObserver(() => { if (stick) toEnd(); });
  for (const one of [box, ...box.children]) sizes.observe(one);

  return {
    atEnd: () => stick,
    toEnd,
    /** Change what is inside without moving what is seen. @param {() => void} change */
    keep(change) {
      if (stick) change();
      else keepPlace(box, change);
      if (stick) toEnd();
    },
    /** @param {Element} element */
    show(element) {
      element.scrollIntoView({ block: 'center' });
      look();
    },
    destroy: () => sizes.disconnect(),
  };
}

const leftBelow = (box) => box.scrollHeight - box.scrollTop - box.clientHeight;

/**
 * By the first message in view: days and folded changes may stand elsewhere afterwards, messages do not. Where there is
 * none, what is below stays.
 */
function keepPlace(box, change) {
  const left = leftBelow(box);
  const edge = box.getBoundingClientRect().top;
  const anchor = [...box.querySelectorAll('.entry[data-row]')].find((row) => row.getBoundingClientRect().bottom > edge);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  change();
  if (anchor?.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - before;
  else box.scrollTop += leftBelow(box) - left;
}
