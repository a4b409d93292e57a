/** The line between two panes: moved by pointer or by arrow keys, and where it stands is kept. */
import { h } from './dom.js';

const STEP_PX = 16;

/** @param {{name: string, label: string, prefs: any, from: number, to: number, width: number, end?: boolean}} options `end`: the pane after it is sized */
export function splitter({ name, label, prefs, from, to, width, end = false }) {
  const element = h('div', { class: `splitter by-${name}`, role: 'separator', tabIndex: 0, 'aria-orientation': 'vertical', 'aria-label': label, 'aria-valuemin': from, 'aria-valuemax': to });
  const set = (px, keep = true) => {
    const now = Math.round(Math.max(from, Math.min(to, px)));
    document.documentElement.style.setProperty(`--${name}-width`, `${now}px`);
    element.setAttribute('aria-valuenow', String(now));
    if (keep) prefs.set('widths', { ...prefs.get('widths'), [name]: now });
  };
  const now = () => Number(element.getAttribute('aria-valuenow'));
  const sign = () => (end ? -1 : 1) * (document.documentElement.dir === 'rtl' ? -1 : 1);
  element.addEventListener('keydown', (event) => {
    const by = { ArrowRight: STEP_PX, ArrowLeft: -STEP_PX }[event.key];
    if (!by) return;
    event.preventDefault();
    set(now() + by * sign());
  });
  element.addEventListener('pointerdown', (down) => {
    const start = now();
    element.setPointerCapture(down.pointerId);
    const move = (event) => set(start + (event.clientX - down.clientX) * sign());
    element.addEventListener('pointermove', move);
    element.addEventListener('lostpointercapture', () => element.removeEventListener('pointermove', move), { once: true });
  });
  element.addEventListener('dblclick', () => set(width));
  set(prefs.get('widths')[name] ?? width, false);
  return element;
}
