/** Drawing anew what somebody may be using: never under their hands, and the focus stays where it was. */
import { mount } from '../dom.js';

const BUSY = 'form, .menu, :is(input, select):focus, :is(button, a, summary):active'; // a button that is pressed must be there when it is let go
const DONE = ['focusout', 'pointerup', 'keyup'];
const REACHED = 'button, a, summary, input, select';
const DRAW_SETTLE_MS = 150;

/** @param {HTMLElement} el @param {() => any} build what is to stand in it @returns {{draw(): void, destroy(): void}} */
export function createDrawing(el, build) {
  let stale = false;
  const draw = () => {
    stale = Boolean(el.querySelector(BUSY));
    if (stale) return;
    const all = () => /** @type {HTMLElement[]} */ ([...el.querySelectorAll(REACHED)]);
    const at = all().indexOf(/** @type {any} */ (document.activeElement));
    mount(el, build());
    all()[at]?.focus({ preventScroll: true });
  };
  const settle = () => setTimeout(() => { if (stale) draw(); }, DRAW_SETTLE_MS);
  for (const name of DONE) el.addEventListener(name, settle);
  return { draw, destroy: () => DONE.forEach((name) => el.removeEventListener(name, settle)) };
}
