/** Canned replies: a slash and a few letters list them, Enter puts one in, filled in by the gateway. */
import { h, mount, uid } from '../dom.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';

const SLASH = /(?:^|\s)\/([\p{L}\d_-]{0,40})$/u;
const ASK_AFTER_MS = 120;
const REPLIES_SHOWN = 8;

/** What is typed after a slash right before the caret, or null. Pure. @param {string} text @param {number} caret */
export function slashWord(text, caret) {
  return SLASH.exec(text.slice(0, caret))?.[1] ?? null;
}

/** @param {HTMLTextAreaElement} area @param {{api: any, conversationId: string, channel: () => string | null, insert: (text: string, from: number, to: number) => void}} given */
export function createCanned(area, given) {
  const list = h('ul', { class: 'canned', role: 'listbox', id: uid('canned'), 'aria-label': t('Canned replies'), hidden: true });
  const it = { ...given, area, list, found: /** @type {any[]} */ ([]), at: 0, asked: 0, timer: 0 };
  area.setAttribute('aria-autocomplete', 'list');
  area.setAttribute('aria-controls', list.id);
  area.addEventListener('blur', () => hideReplies(it));
  return {
    list,
    listen: () => {
      clearTimeout(it.timer);
      const word = slashWord(area.value, area.selectionStart);
      if (word === null) hideReplies(it);
      else it.timer = setTimeout(findReplies, ASK_AFTER_MS, it, word);
    },
    /** @param {KeyboardEvent} event @returns {boolean} whether it was for the list */
    press(event) {
      const act = it.found.length > 0 && !event.ctrlKey && !event.metaKey && LIST_KEYS[event.key];
      if (act) event.preventDefault();
      if (act) act(it);
      return Boolean(act);
    },
  };
}

async function findReplies(it, word) {
  const mine = ++it.asked;
  const page = await it.api.get('/canned-replies', { q: `/${word}`, limit: REPLIES_SHOWN }).catch(() => null);
  if (mine !== it.asked || !page) return;
  [it.found, it.at] = [page.data, 0];
  showReplies(it);
  it.list.hidden &&= Boolean(word); // who typed no more than the slash is told that there is none
}

function showReplies(it) {
  const { list, area, found, at } = it;
  list.hidden = !found.length;
  mount(list, found.length ? found.map((one, index) => replyOption(it, one, index)) : h('li', { class: 'faint', role: 'option', 'aria-disabled': 'true' }, t('There are no canned replies yet.')));
  if (found.length) area.setAttribute('aria-activedescendant', `${list.id}-${at}`);
  else area.removeAttribute('aria-activedescendant');
  list.children[at]?.scrollIntoView({ block: 'nearest' });
}

function replyOption(it, { shortcut, name, variants }, index) {
  const choose = (event) => { event.preventDefault(); void putIn(it, index); };
  return h('li', { role: 'option', id: `${it.list.id}-${index}`, 'aria-selected': String(index === it.at), onmousedown: choose },
    h('kbd', {}, shortcut), h('span', { class: 'strong' }, name), h('span', { class: 'grow clip faint', dir: 'auto' }, variants[0]?.text ?? ''));
}

function hideReplies(it) {
  clearTimeout(it.timer);
  it.asked += 1;
  it.found = [];
  showReplies(it);
}

function moveReply(it, by) {
  it.at = (it.at + by + it.found.length) % it.found.length || 0;
  showReplies(it);
  it.list.hidden = false;
}

async function putIn(it, index) {
  const { area, found: { [index]: one } } = it;
  const caret = area.selectionStart;
  const from = caret - (slashWord(area.value, caret)?.length ?? 0) - 1;
  hideReplies(it);
  if (!one) return;
  try {
    const made = await it.api.post(`/canned-replies/${one.id}/render`, { conversation_id: it.conversationId, channel: it.channel() });
    it.insert(made.text, from, caret);
    if (made.missing.length) toast(t('Not known, fill in: {names}', { names: made.missing.join(', ') }));
  } catch (problem) {
    toastProblem(problem);
  }
}

const LIST_KEYS = { ArrowDown: (it) => moveReply(it, 1), ArrowUp: (it) => moveReply(it, -1), Enter: (it) => void putIn(it, it.at), Tab: (it) => void putIn(it, it.at), Escape: hideReplies };
