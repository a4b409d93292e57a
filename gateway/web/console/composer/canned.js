/** Canned replies: a slash and a few letters list them, Enter puts one in, filled in by the gateway. */
import { h, mount, uid } from '../dom.js';
import { toast, toastProblem } from '../toast.js';
import { say } from '../timeline/words.js';

const SLASH = /(?:^|\s)\/([\p{L}\d_-]{0,40})$/u;
const ASK_AFTER_MS = 120;
const SHOWN = 8;

/** What is typed after a slash right before the caret, or null. Pure. @param {string} text @param {number} caret */
export function slashWord(text, caret) {
  return SLASH.exec(text.slice(0, caret))?.[1] ?? null;
}

/** @param {HTMLTextAreaElement} area @param {{api: any, conversationId: string, channel: () => string | null, insert: (text: string, from: number, to: number) => void}} told */
export function createCanned(area, { api, conversationId, channel, insert }) {
  const list = h('ul', { class: 'canned', role: 'listbox', id: uid('canned'), 'aria-label': say('Canned replies'), hidden: true });
  const it = { found: /** @type {any[]} */ ([]), at: 0, asked: 0, timer: 0 };

  function show() {
    list.hidden = it.found.length === 0;
    mount(list, it.found.map((one, index) => h('li', { role: 'option', id: `${list.id}-${index}`, 'aria-selected': String(index === it.at), onmousedown: (event) => { event.preventDefault(); void choose(index); } },
      h('kbd', {}, one.shortcut), h('span', { class: 'strong' }, one.name), h('span', { class: 'grow clip faint', dir: 'auto' }, one.variants[0]?.text ?? ''))));
    if (list.hidden) area.removeAttribute('aria-activedescendant');
    else area.setAttribute('aria-activedescendant', `${list.id}-${it.at}`);
    list.children[it.at]?.scrollIntoView({ block: 'nearest' });
  }

  const hide = () => { it.asked += 1; it.found = []; show(); };

  function listen() {
    clearTimeout(it.timer);
    const word = slashWord(area.value, area.selectionStart);
    if (word === null) return hide();
    it.timer = setTimeout(() => ask(word), ASK_AFTER_MS);
  }

  async function ask(word) {
    const mine = ++it.asked;
    const page = await api.get('/canned-replies', { q: `/${word}`, limit: SHOWN }).catch(() => null);
    if (mine !== it.asked || !page) return;
    [it.found, it.at] = [page.data, 0];
    show();
  }

  async function choose(index) {
    const one = it.found[index];
    const caret = area.selectionStart;
    const from = caret - (slashWord(area.value, caret)?.length ?? 0) - 1;
    hide();
    try {
      const made = await api.post(`/canned-replies/${one.id}/render`, { conversation_id: conversationId, channel: channel() });
      insert(made.text, from, caret);
      if (made.missing.length) toast(say('Not known, fill in: {names}', { names: made.missing.join(', ') }));
    } catch (problem) {
      toastProblem(problem);
    }
  }

  const keys = {
    ArrowDown: () => { it.at = (it.at + 1) % it.found.length; show(); },
    ArrowUp: () => { it.at = (it.at - 1 + it.found.length) % it.found.length; show(); },
    Enter: () => void choose(it.at), Tab: () => void choose(it.at), Escape: hide,
  };
  area.setAttribute('aria-autocomplete', 'list');
  area.setAttribute('aria-controls', list.id);
  area.addEventListener('blur', hide);
  return {
    list,
    listen,
    /** @param {KeyboardEvent} event @returns {boolean} whether it was for the list */
    press(event) {
      if (list.hidden || !keys[event.key] || event.ctrlKey || event.metaKey) return false;
      event.preventDefault();
      keys[event.key]();
      return true;
    },
  };
}
