/** The box itself: its elements, and who is told when something is done with them. */
import { button, h, icon, iconButton, mount, uid } from '../dom.js';
import { t } from '../strings.js';
import { HAS_MENU } from '../timeline/menu.js';

/**
 * @param {HTMLElement} el
 * @param {Record<string, (event?: any) => any>} on what is done: mode, tab, input, press, paste, way, send, ways, offer, slash, files
 */
export function buildBox(el, on) {
  const panel = uid('writing');
  const tab = (mode, name, words) => h('button', { type: 'button', role: 'tab', id: `${panel}-${mode}`, 'aria-controls': panel, onclick: () => on.mode(mode), onkeydown: on.tab, data: { mode } }, icon(name), t(words));
  const picker = h('input', { type: 'file', multiple: true, hidden: true, onchange: () => { on.files(picker.files); picker.value = ''; } });
  const ui = {
    drafts: h('div', { role: 'status' }),
    theirs: h('div', { role: 'status' }),
    here: h('div', { role: 'status' }),
    tabs: h('div', { role: 'tablist', class: 'tabs', 'aria-label': t('What to write') }, tab('reply', 'reply', 'Reply'), tab('note', 'lock', 'Note')),
    way: h('button', { type: 'button', class: 'plain way', onclick: on.way, ...HAS_MENU }),
    closed: h('div', { role: 'status' }),
    mail: h('div', { class: 'mail-fields', hidden: true }),
    extra: h('div'),
    area: h('textarea', { rows: 2, dir: 'auto', maxLength: 100_000, oninput: on.input, onkeydown: on.press, onpaste: on.paste }),
    files: h('ul', { class: 'uploads', 'aria-label': t('Files'), hidden: true }),
    attach: iconButton('attach', t('Attach files'), () => picker.click()),
    slash: iconButton('message', t('Canned replies (/)'), on.slash),
    offer: iconButton('plus', t('Offer more'), on.offer, HAS_MENU),
    count: h('span', { class: 'count faint number' }),
    saved: h('span', { class: 'faint saved' }),
    send: button('', on.send, { class: 'primary send', title: 'Ctrl+Enter' }),
    ways: iconButton('chevrondown', t('Other ways to send'), on.ways, { ...HAS_MENU, class: 'primary icon-button split' }),
  };
  const field = h('div', { class: 'field-box', role: 'tabpanel', id: panel }, ui.mail, ui.extra, ui.area, ui.files);
  const foot = h('div', { class: 'composer-foot' }, ui.attach, ui.slash, ui.offer, picker, ui.count, ui.saved, h('span', { class: 'grow' }), h('span', { class: 'send-box' }, ui.send, ui.ways));
  const box = h('section', { class: 'composer-box', 'aria-label': t('Write') }, h('div', { class: 'composer-head' }, ui.tabs, ui.way), ui.closed, field, foot);
  mount(el, ui.drafts, ui.theirs, ui.here, box);
  return { ...ui, field, box };
}

/** Look like a reply or like a note. @param {any} ui of `buildBox` @param {'reply' | 'note'} mode */
export function dressBox(ui, mode) {
  const note = mode === 'note';
  ui.box.classList.toggle('note', note);
  for (const tab of ui.tabs.children) {
    const chosen = tab.dataset.mode === mode;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) ui.field.setAttribute('aria-labelledby', tab.id);
  }
  ui.area.setAttribute('aria-label', t(note ? 'Note for your team' : 'Reply'));
  ui.area.placeholder = t(note ? 'Only your team sees this. It is never sent.' : 'Write an answer. / for canned replies');
  for (const part of [ui.attach, ui.offer, ui.way, ui.ways]) part.hidden = note;
}
