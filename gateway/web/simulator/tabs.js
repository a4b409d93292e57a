/** Tabs as the ARIA practices have them: one stop of the Tab key, arrows between. */
import { h, icon, uid } from '../console/dom.js';

/**
 * @param {object} parts
 * @param {string} parts.label what the tabs are for
 * @param {{id: string, title: string, icon: string, panel: HTMLElement}[]} parts.tabs
 * @param {(id: string) => void} [parts.onchange]
 * @returns {{bar: HTMLElement, show(id: string): void, mark(id: string, on: boolean): void, shown(): string}}
 */
export function makeTabs({ label, tabs, onchange }) {
  const prefix = uid('tab');
  let shown = '';
  const buttons = tabs.map((tab) => makeTab(tab, prefix, () => show(tab.id)));
  const bar = h('div', { role: 'tablist', class: 'tabs', 'aria-label': label, onkeydown: move }, buttons);

  function show(id, { focus = false } = {}) {
    shown = id;
    tabs.forEach((tab, index) => {
      const on = tab.id === id;
      buttons[index].setAttribute('aria-selected', String(on));
      buttons[index].tabIndex = on ? 0 : -1;
      tab.panel.hidden = !on;
      if (on) mark(id, false);
      if (on && focus) buttons[index].focus();
    });
    onchange?.(id);
  }

  function move(event) {
    const rtl = getComputedStyle(bar).direction === 'rtl' ? -1 : 1;
    const step = { ArrowRight: rtl, ArrowLeft: -rtl }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === shown);
    show(tabs[(at + step + tabs.length) % tabs.length].id, { focus: true });
  }

  /** A dot for what is new on a tab that is not looked at. */
  function mark(id, on) {
    const button = buttons[tabs.findIndex((tab) => tab.id === id)];
    button.classList.toggle('new', on);
    button.querySelector('.hush').textContent = on ? ', new' : '';
  }

  return { bar, show, mark: (id, on) => mark(id, on && id !== shown), shown: () => shown };
}

function makeTab(tab, prefix, onclick) {
  Object.assign(tab.panel, { id: `${prefix}-${tab.id}`, tabIndex: -1 });
  tab.panel.setAttribute('role', 'tabpanel');
  tab.panel.setAttribute('aria-labelledby', `${prefix}-of-${tab.id}`);
  const props = { type: 'button', role: 'tab', id: `${prefix}-of-${tab.id}`, 'aria-controls': tab.panel.id, onclick };
  return h('button', props, icon(tab.icon), tab.title, h('span', { class: 'hush' }));
}
