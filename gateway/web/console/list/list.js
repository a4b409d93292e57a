/** The list: what a view or a search holds, one row a conversation; keys move through it, a selection is changed at once. */
import { h, icon, iconButton, mount } from '../dom.js';
import { showNumber } from '../format.js';
import { showEmpty } from '../firstrun/empty.js';
import { t } from '../strings.js';
import { buildRow } from './row.js';
import { createSearch } from './search.js';
import { createVirtualList } from './virtual.js';

const ROW_PX = 88;
const TICK_MS = 30_000;

/** @param {HTMLElement} element @param {any} app */
export function mountList(element, app) {
  const { store, router, bus, commands, model, selection } = app;
  const title = h('h1', { class: 'clip grow', id: 'list-title' });
  const notice = h('div', { class: 'notice' });
  const bar = h('div', { class: 'bulk row', role: 'toolbar', 'aria-label': t('selection'), hidden: true });
  const search = createSearch(app);
  const rows = createVirtualList({
    height: ROW_PX, label: t('conversations'), build, paint, onend: () => model.more(), onpick: pick,
  });
  mount(element, header(title, app), search.element, bar, rows.element, notice, h('div', { class: 'hush', role: 'status', id: 'list-status' }));

  function build(id) {
    return buildRow(store.conversation(id), { query: model.get().q });
  }
  function paint(row, id) {
    const open = router.route().conversationId === id;
    row.setAttribute('aria-selected', String(selection.has(id)));
    row.toggleAttribute('data-open', open);
    row.toggleAttribute('data-unread', (store.conversation(id)?.counts?.unread ?? 0) > 0);
    if (open) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  }
  function pick(id, event) {
    rows.point(id);
    const onMark = event.target instanceof Element && event.target.closest('.mark');
    if (event.shiftKey) return selection.reach(id, model.get().ids);
    if (event.ctrlKey || event.metaKey || onMark) return selection.toggle(id);
    open(id);
  }
  function open(id) {
    router.open(id);
    bus.emit('pane', 'thread');
  }
  function show(listed) {
    title.textContent = listed.q ? t('results') : viewName(store, listed.view);
    search.show(listed);
    rows.show(listed.ids, listed);
    rows.element.hidden = !listed.ids.length;
    rows.element.setAttribute('aria-busy', String(listed.loading));
    mount(notice, noticeOf(listed, app));
    notice.hidden = listed.ids.length > 0 && !listed.problem;
  }
  function showSelection() {
    mount(bar, bulkButtons(selection, commands));
    bar.hidden = !selection.size();
    rows.element.toggleAttribute('data-selecting', selection.size() > 0);
    rows.repaint();
  }

  const stops = [store.subscribe('list', show), store.subscribe('views', () => show(model.get())), selection.onchange(showSelection),
    store.subscribe('conversation', (one) => rows.redraw(one.id))];
  bus.on('route', ({ route }) => {
    if (route.conversationId && model.get().ids.includes(route.conversationId)) rows.point(route.conversationId);
    rows.repaint();
  });
  setInterval(() => { for (const id of rows.visible()) rows.redraw(id); }, TICK_MS);
  rows.element.addEventListener('keydown', (event) => moveByKey(event, { rows, model, selection, open }));
  registerMoves(app, { rows, open });
  show(model.get());
  return {
    focus: () => rows.point(rows.current() ?? model.get().ids[0] ?? null, { focus: true }),
    search,
    top: rows.top,
    destroy: () => stops.forEach((stop) => stop()),
  };
}

function header(title, { bus, commands }) {
  return h('header', { class: 'row head' },
    iconButton('menu', t('openViews'), () => bus.emit('pane', 'rail'), { class: 'icon-button phone' }), title,
    iconButton('edit', t('newConversation'), () => commands.run('new-conversation')));
}

/** The keys of a listbox; letters are commands of their own. */
function moveByKey(event, { rows, model, selection, open }) {
  const id = rows.current() ?? model.get().ids[0];
  const jump = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e9, End: 1e9 }[event.key];
  if (jump) rows.point(model.neighbour(id, jump), { focus: true });
  else if (event.key === 'Enter') open(id);
  else if (event.key === ' ') selection.toggle(id);
  else return;
  event.preventDefault();
}

/** j and k move through the list, and with an open conversation from one to the next. */
function registerMoves({ commands, model, router }, { rows, open }) {
  const step = (by) => {
    const at = router.route().conversationId ?? rows.current();
    const next = model.neighbour(at, by);
    if (!next) return;
    rows.point(next, { focus: true });
    if (router.route().conversationId) router.open(next, { replace: true });
  };
  const group = t('group_list');
  commands.register({ id: 'next', title: t('nextConversation'), keys: 'j', icon: 'arrowdown', group, run: () => step(1) });
  commands.register({ id: 'previous', title: t('previousConversation'), keys: 'k', icon: 'arrowdown', group, run: () => step(-1) });
  commands.register({ id: 'open', title: t('openConversation'), keys: 'enter', icon: 'chevron', group, when: () => Boolean(rows.current()), run: () => open(rows.current()) });
}

function bulkButtons(selection, commands) {
  const count = selection.size();
  if (!count) return [];
  const button = (id, name, label) => iconButton(name, label, () => commands.run(id));
  return [
    h('span', { class: 'strong grow' }, t('selected', { count: showNumber(count) })),
    button('close', 'check', t('close')), button('assign', 'user', t('assign')), button('tag', 'tag', t('tag')),
    button('snooze', 'snooze', t('snooze')), button('read', 'eye', t('markRead')),
    iconButton('close', t('selectNone'), () => selection.clear()),
  ];
}

function noticeOf(listed, app) {
  if (listed.loading && !listed.ids.length) return skeleton();
  if (listed.problem?.code === 'invalid_query') return null; // told at the search box, where it is wrong
  if (listed.problem) {
    return h('div', { class: 'empty', role: 'alert' }, icon('alert'), h('h2', null, t('listFailed')), h('p', null, listed.problem.detail),
      h('button', { type: 'button', onclick: () => app.model.refresh() }, t('tryAgain')));
  }
  return listed.ids.length ? null : showEmpty(listed, app);
}

const skeleton = () => h('div', { class: 'list-skeleton', 'aria-hidden': 'true' }, Array.from({ length: 7 }, () => h('div', null, h('i'), h('b'), h('u'))));

/** @param {any} store @param {string} id */
export function viewName(store, id) {
  return store.get('views').find((view) => view.id === id)?.name ?? t('conversations');
}
