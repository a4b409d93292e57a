/** A menu under a button. The keyboard works as the ARIA practices say. */
import { h, icon } from '../dom.js';

/**
 * @param {HTMLElement} anchor where it opens, and where the focus goes back to
 * @param {({label: string, detail?: string, icon?: string, run: () => void, danger?: boolean, disabled?: boolean, checked?: boolean} | false | null | undefined)[]} items
 * One that cannot be chosen can still be read, and says why in its detail.
 */
export function openMenu(anchor, items) {
  const close = () => { menu.remove(); anchor.setAttribute('aria-expanded', 'false'); };
  const press = (item) => () => { if (item.disabled) return; menu.hidePopover(); anchor.focus(); item.run(); };
  const buttons = /** @type {any[]} */ (items.filter(Boolean)).map((item) => h('button', {
    type: 'button', role: item.checked === undefined ? 'menuitem' : 'menuitemradio', 'aria-checked': item.checked === undefined ? null : String(item.checked),
    'aria-disabled': item.disabled ? 'true' : null, tabIndex: -1, class: item.danger ? 'danger' : '', onclick: press(item),
  }, item.icon && icon(item.icon), h('span', { class: 'grow' }, h('bdi', {}, item.label), item.detail && h('small', {}, item.detail)), item.checked && icon('check')));
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': anchor.getAttribute('aria-label') ?? anchor.textContent, onkeydown: (event) => moveBy(event, buttons, () => { menu.hidePopover(); anchor.focus(); }) }, buttons);
  menu.addEventListener('toggle', (event) => { if (event.newState === 'closed') close(); });
  anchor.setAttribute('aria-expanded', 'true');
  anchor.after(menu);
  menu.showPopover();
  placeBy(menu, anchor);
  buttons[0]?.focus();
}

/** Below the anchor where there is room, above it otherwise, and never outside the page. @param {HTMLElement} box @param {HTMLElement} anchor */
export function placeBy(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const below = innerHeight - at.bottom > box.offsetHeight + 8 || at.top < box.offsetHeight + 8;
  const rtl = getComputedStyle(anchor).direction === 'rtl';
  const left = rtl ? at.right - box.offsetWidth : at.left;
  box.style.setProperty('top', `${below ? at.bottom + 4 : at.top - box.offsetHeight - 4}px`);
  box.style.setProperty('left', `${Math.max(8, Math.min(left, innerWidth - box.offsetWidth - 8))}px`);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** No key of a menu is one of the page's. */
function moveBy(event, buttons, leave) {
  event.stopPropagation();
  if (event.key === 'Escape') leave();
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  const now = buttons.indexOf(/** @type {any} */ (document.activeElement));
  const step = STEPS[event.key];
  const next = Number.isFinite(step) ? (now + step + buttons.length) % buttons.length : step < 0 ? 0 : buttons.length - 1;
  buttons[next].focus();
}
