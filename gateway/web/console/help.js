/** The map of the keys. */
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { showKeys } from './picker.js';
import { t } from './strings.js';

/** @param {any} app */
export function showHelp({ commands, prefs }) {
  const keyed = commands.list().filter((one) => one.keys);
  const by = new Map();
  for (const one of keyed) by.set(one.group ?? t('group_other'), [...(by.get(one.group ?? t('group_other')) ?? []), one]);
  const toggle = h('input', { type: 'checkbox', checked: prefs.get('keys'), onchange: () => prefs.set('keys', toggle.checked) });
  openDialog({ title: t('keyboard'), wide: true }, (close) => [
    h('div', { class: 'keymap' }, [...by].map(([group, list]) => h('section', { class: 'column' }, h('h3', { class: 'small faint' }, group),
      h('dl', null, list.map((one) => h('div', { class: 'row' }, h('dt', { class: 'grow' }, one.title), h('dd', null, showKeys(one.keys)))))))),
    h('label', { class: 'row' }, toggle, t('keysOn')),
    h('div', { class: 'foot row' }, h('button', { type: 'button', class: 'primary', onclick: close }, t('done'))),
  ]);
}
