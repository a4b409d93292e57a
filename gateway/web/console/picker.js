/** One box to type in and a list below it: the palette, whom to assign, which tag, where to merge. */
import { h, icon, mount, uid } from './dom.js';
import { openDialog } from './dialog.js';
import { t } from './strings.js';

const FIND_SETTLE_MS = 150;

/** @typedef {{title: string, detail?: string, icon?: string, keys?: string, group?: string, pick: () => any}} Choice */

/**
 * @param {{title: string, placeholder: string, find: (text: string) => Choice[]|Promise<Choice[]>, text?: string}} options
 */
export function openPicker({ title, placeholder, find, text = '' }) {
  const list = h('div', { role: 'listbox', id: uid('choices'), 'aria-label': title, class: 'choices', tabIndex: -1 });
  const input = h('input', {
    type: 'text', role: 'combobox', placeholder, value: text, autocomplete: 'off', spellcheck: false, 'aria-label': title,
    'aria-expanded': 'true', 'aria-controls': list.id, 'aria-autocomplete': 'list',
  });
  let choices = [], at = 0, asked = 0, timer = 0;
  const dialog = openDialog({ title, class: 'picker' }, () => [h('div', { class: 'row find' }, icon('search'), input), list]);

  async function search() {
    const mine = ++asked;
    const found = await find(input.value.trim());
    if (mine !== asked) return;
    choices = found;
    at = 0;
    show();
  }
  function show() {
    let group = '';
    mount(list, choices.map((choice, index) => {
      const heading = choice.group && choice.group !== group && h('div', { class: 'heading', role: 'presentation' }, choice.group);
      group = choice.group ?? group;
      return [heading, option(choice, index)];
    }), !choices.length && h('p', { class: 'none', role: 'presentation' }, t('Nothing found')));
    move(0);
  }
  const option = (choice, index) => h('div', { role: 'option', id: `${list.id}-${index}`, 'aria-selected': 'false', onclick: () => pick(index) },
    icon(choice.icon ?? 'dot'), h('span', { class: 'grow clip', dir: 'auto' }, choice.title),
    choice.detail && h('span', { class: 'faint small clip', dir: 'auto' }, choice.detail), choice.keys && showKeys(choice.keys));
  function move(by) {
    at = choices.length ? (at + by + choices.length) % choices.length : 0;
    for (const one of list.querySelectorAll('[role=option]')) one.setAttribute('aria-selected', String(one.id === `${list.id}-${at}`));
    const chosen = document.getElementById(`${list.id}-${at}`);
    input.setAttribute('aria-activedescendant', chosen?.id ?? '');
    chosen?.scrollIntoView({ block: 'nearest' });
  }
  function pick(index) {
    const choice = choices[index];
    if (!choice) return;
    dialog.close();
    choice.pick();
  }
  const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => pick(at) };
  input.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.isComposing) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(search, FIND_SETTLE_MS); });
  input.focus();
  search();
}

/** A combination as keys on a keyboard. @param {string} keys */
export function showKeys(keys) {
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const names = { mod: mac ? '⌘' : 'Ctrl', shift: '⇧', enter: '↵', escape: 'Esc', arrowup: '↑', arrowdown: '↓' };
  return h('span', { class: 'keys' }, keys.split('+').map((key) => h('kbd', null, names[key] ?? (key.length === 1 ? key.toUpperCase() : key))));
}

/** Whether all words begin somewhere in a text. @param {string} text @param {string} words */
export function matches(text, words) {
  const lower = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}
