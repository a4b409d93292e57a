/** The customer's browser: the shop in a frame, below a bar that says where one is. */
import { h, icon, iconButton } from '../console/dom.js';

/** @returns {{panel: HTMLElement}} */
export function makeBrowser() {
  const frame = h('iframe', { title: 'The shop, with the chat on it', class: 'shop-frame' });
  const bar = h('div', { class: 'address-bar' },
    h('span', { class: 'dots', 'aria-hidden': 'true' }),
    h('p', { class: 'address clip' }, icon('lock'), 'nook-and-co.example'),
    iconButton('retry', 'Load the shop anew', () => (frame.src = '/sim/shop')));
  const panel = h('section', { class: 'pane' }, h('div', { class: 'browser' }, bar, frame));
  // The shop is loaded when it is first looked at: a visitor comes by opening the page.
  const look = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    look.disconnect();
    frame.src = '/sim/shop';
  });
  look.observe(frame);
  return { panel };
}
