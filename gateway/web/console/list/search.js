/** The search box: the grammar of `q=`, with what is wrong in it shown where it is wrong. */
import { button, h, icon, iconButton, mount, uid } from '../dom.js';
import { callLater } from '../loading.js';
import { sentences } from '../format.js';
import { t } from '../strings.js';

const SEARCH_SETTLE_MS = 350;
const EXAMPLES = ['is:unread', 'is:waiting', 'assignee:none', 'has:attachment', 'priority:urgent', 'after:7d'];

/** @param {any} app */
export function createSearch(app) {
  const { router, commands, model } = app;
  const wrong = h('div', { class: 'wrong', role: 'alert', id: uid('wrong'), hidden: true });
  const input = h('input', {
    type: 'search', placeholder: t('Search, or is:unread tag:vip'), 'aria-label': t('Search conversations'), 'aria-describedby': wrong.id,
    enterkeyhint: 'search', autocomplete: 'off', spellcheck: false, maxLength: 1000,
  });
  const save = iconButton('star', t('Save as a view'), () => callLater('saveView', app, input.value.trim()), { hidden: true });
  const hints = h('div', { class: 'row wrap hints', hidden: true }, EXAMPLES.map((text) => button(text, () => add(text), { class: 'chip' })));
  const element = h('search', { class: 'search' }, h('div', { class: 'row box' }, icon('search'), input, save), hints, wrong);
  let timer = 0, from = router.route().view;

  /** What is searched for is listed instead of a view; without it, the view is back. What is open stays open. */
  function go(how) {
    clearTimeout(timer);
    const q = input.value.trim();
    const now = router.route();
    if (q === now.q) return;
    if (!now.q) from = now.view;
    router.go({ ...now, page: 'inbox', view: q ? now.view : from, q }, how);
  }
  function add(text) {
    input.value = `${input.value.trim()} ${text}`.trim();
    go();
    input.focus();
  }
  input.addEventListener('input', () => {
    hints.hidden = Boolean(input.value);
    clearTimeout(timer);
    timer = setTimeout(() => go({ replace: Boolean(router.route().q) }), SEARCH_SETTLE_MS);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.isComposing) go();
    if (event.key === 'ArrowDown' && model.get().ids.length) commands.run('focus-list');
    if (event.key === 'Escape' && (input.value || router.route().q)) { event.preventDefault(); input.value = ''; go(); }
  });
  element.addEventListener('focusin', () => { hints.hidden = Boolean(input.value); });
  element.addEventListener('focusout', (event) => { if (!element.contains(event.relatedTarget)) hints.hidden = true; });

  return {
    element,
    focus() { input.focus(); input.select(); },
    /** @param {import('./model.js').Listed} listed */
    show({ q, problem }) {
      if (document.activeElement !== input) input.value = q;
      save.hidden = !q || Boolean(problem);
      const error = problem?.code === 'invalid_query' ? problem.errors[0] : null;
      wrong.hidden = !error;
      input.setAttribute('aria-invalid', String(Boolean(error)));
      if (error) mount(wrong, explain(q, error, problem));
    },
  };
}

/** The query with the bad part marked, what is wrong, and what may stand there. */
function explain(q, { offset = 0, length = 0, detail, allowed }, { hint }) {
  const chars = [...q];
  const piece = (from, to) => chars.slice(from, to).join('');
  return [
    h('code', { dir: 'auto' }, piece(0, offset), h('mark', null, piece(offset, offset + Math.max(length, 1)) || '…'), piece(offset + Math.max(length, 1), chars.length)),
    h('p', null, sentences(detail, hint)),
    allowed?.length ? h('p', { class: 'faint' }, t('Here may stand: {list}', { list: allowed.slice(0, 12).join(', ') })) : null,
  ];
}
