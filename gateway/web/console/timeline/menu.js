/** A menu under a button. The keyboard works as the ARIA practices say. */
import { h, icon, iconButton } from '../dom.js';

/** @typedef {{label: string, detail?: string, icon?: string, run: () => void, danger?: boolean, disabled?: boolean, checked?: boolean} | false | null | undefined | ''} Item one that cannot be chosen can still be read, and says why in its detail */

/** What tells that a button has a menu. */
export const HAS_MENU = { 'aria-haspopup': 'menu', 'aria-expanded': 'false' };

/** @param {string} name of its icon @param {string} label @param {() => Item[]} items @param {Record<string, any>} [more] */
export function menuButton(name, label, items, more) {
  return iconButton(name, label, (event) => openMenu(/** @type {any} */ (event.currentTarget), items()), { ...HAS_MENU, ...more });
}

/** @param {HTMLElement} anchor where it opens, and where the focus goes back to; pressed once more, it closes it @param {Item[]} items */
export function openMenu(anchor, items) {
  if (anchor.getAttribute('aria-expanded') === 'true') return;
  const leave = () => { menu.hidePopover(); anchor.focus(); };
  const press = (item) => () => { if (item.disabled) return; leave(); item.run(); };
  const buttons = items.filter(Boolean).map((item) => itemButton(item, press(item)));
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': anchor.getAttribute('aria-label') ?? anchor.textContent, onkeydown: (event) => moveInMenu(event, buttons, leave) }, buttons);
  menu.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    menu.remove();
    anchor.setAttribute('aria-expanded', 'false');
  });
  anchor.setAttribute('aria-expanded', 'true');
  anchor.after(menu);
  menu.showPopover();
  placeBy(menu, anchor);
  buttons[0]?.focus();
}

function itemButton(item, onclick) {
  const radio = item.checked !== undefined;
  const look = { type: 'button', role: radio ? 'menuitemradio' : 'menuitem', 'aria-checked': radio ? String(item.checked) : null, 'aria-disabled': item.disabled ? 'true' : null, tabIndex: -1, class: item.danger ? 'danger' : '', onclick };
  return h('button', look, item.icon && icon(item.icon), h('span', { class: 'grow' }, h('bdi', {}, item.label), item.detail && h('small', {}, item.detail)), item.checked && icon('check'));
}

/** Below the anchor where there is room, above it otherwise, and never outside the page. */
function placeBy(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const below = innerHeight - at.bottom > box.offsetHeight + 8 || at.top < box.offsetHeight + 8;
  const left = getComputedStyle(anchor).direction === 'rtl' ? at.right - box.offsetWidth : at.left;
  box.style.setProperty('top', `${below ? at.bottom + 4 : at.top - box.offsetHeight - 4}px`);
  box.style.setProperty('left', `${Math.max(8, Math.min(left, innerWidth - box.offsetWidth - 8))}px`);
}

const STEPS = { ArrowDown: (now) => now + 1, ArrowUp: (now) => now - 1, Home: () => 0, End: () => -1 };

/** No key of a menu is one of the page's. */
function moveInMenu(event, buttons, leave) {
  event.stopPropagation();
  if (event.key === 'Escape') leave();
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  const next = step(buttons.indexOf(document.activeElement));
  buttons.at(next % buttons.length).focus();
}
