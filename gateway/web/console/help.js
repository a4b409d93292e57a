/** The map of the keys. */
import { openNotice } from './dialog.js';
import { h } from './dom.js';
import { showKeys } from './picker.js';
import { t } from './strings.js';

/** @param {any} app */
export function showHelp({ commands, prefs }) {
  const groups = new Map();
  for (const one of commands.list().filter(({ keys }) => keys)) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const toggle = h('input', { type: 'checkbox', checked: prefs.get('keys'), onchange: () => prefs.set('keys', toggle.checked) });
  openNotice(t('Keyboard'),
    h('div', { class: 'keymap' }, [...groups].map(([group, list]) => h('section', { class: 'column' }, h('h3', { class: 'small faint' }, group),
      h('dl', null, list.map((one) => h('div', { class: 'row' }, h('dt', { class: 'grow' }, one.title), h('dd', null, showKeys(one.keys)))))))),
    h('label', { class: 'row' }, toggle, t('Use keys of one letter')));
}
