/** The list: what a view or a search holds, one row a conversation; keys move through it, a selection is changed at once. */
import { button, h, icon, iconButton, mount } from '../dom.js';
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
  const bar = h('div', { class: 'bulk row', role: 'toolbar', 'aria-label': t('Selection'), hidden: true });
  const search = createSearch(app);
  const rows = createVirtualList({ height: ROW_PX, label: t('Conversations'), build, paint, onend: () => model.more(), onpick: pick });
  mount(element, listHead(title, app), search.element, bar, rows.element, notice);

  function build(id) {
    return buildRow(store.conversation(id), { query: model.get().q });
  }
  function paint(row, id) {
    const open = router.route().conversationId === id;
    row.setAttribute('aria-selected', String(selection.has(id)));
    row.toggleAttribute('data-open', open);
    row.toggleAttribute('data-unread', (store.conversation(id)?.counts?.unread ?? 0) > 0);
    row.ariaCurrent = open ? 'true' : null;
  }
  function pick(id, event) {
    rows.point(id);
    const onMark = event.target instanceof Element && event.target.closest('.mark');
    if (event.shiftKey) return selection.reach(id, model.get().ids);
    if (event.ctrlKey || event.metaKey || onMark) return selection.toggle(id);
    return open(id);
  }
  function open(id) {
    router.open(id);
    bus.emit('pane', 'thread');
  }
  function show(listed) {
    title.textContent = listed.q ? t('Search results') : viewName(store, listed.view);
    selection.keep(listed.ids);
    search.show(listed);
    rows.show(listed.ids, listed);
    rows.element.hidden = !listed.ids.length;
    rows.element.setAttribute('aria-busy', String(listed.loading));
    mount(notice, noticeOf(listed, app));
    notice.hidden = listed.ids.length > 0 && !listed.problem;
  }
  function showSelection() {
    const held = bar.contains(document.activeElement);
    mount(bar, bulkButtons(selection, commands));
    bar.hidden = !selection.size();
    rows.element.toggleAttribute('data-selecting', selection.size() > 0);
    rows.repaint();
    if (held) focus();
  }
  const focus = () => rows.point(rows.pointed(), { focus: true });

  store.subscribe('list', show);
  store.subscribe('views', () => show(model.get()));
  store.subscribe('conversation', (one) => rows.redraw(one.id));
  selection.onchange(showSelection);
  bus.on('route', ({ route }) => {
    if (model.get().ids.includes(route.conversationId)) rows.point(route.conversationId);
    rows.repaint();
  });
  setInterval(() => { for (const id of rows.visible()) rows.redraw(id); }, TICK_MS);
  rows.element.addEventListener('keydown', (event) => moveByKey(event, { rows, model, selection, open }));
  registerMoves(app, { rows, open });
  show(model.get());
  return { focus, search, current: rows.pointed };
}

function listHead(title, { bus, commands }) {
  return h('header', { class: 'row head' },
    iconButton('menu', t('Open the menu'), () => bus.emit('pane', 'rail'), { class: 'icon-button phone' }), title,
    iconButton('edit', t('New conversation'), () => commands.run('new-conversation')));
}

const JUMPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };

/** The keys of a listbox; letters are commands of their own. */
function moveByKey(event, { rows, model, selection, open }) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const id = rows.pointed();
  if (JUMPS[event.key]) rows.point(model.neighbour(id, JUMPS[event.key]), { focus: true });
  else if (event.key === 'Enter') open(id);
  else if (event.key === ' ') selection.toggle(id);
  else return;
  event.preventDefault();
}

/** j and k move through the list, and with an open conversation from one to the next. */
function registerMoves({ commands, model, router }, { rows, open }) {
  const step = (by) => {
    const next = model.neighbour(router.route().conversationId ?? rows.current(), by);
    if (!next) return;
    rows.point(next, { focus: true });
    if (router.route().conversationId) router.open(next, { replace: true });
  };
  const add = (id, keys, name, title, more) => commands.register({ id, keys, icon: name, title, group: t('List'), ...more });
  add('next', 'j', 'arrowdown', t('Next conversation'), { run: () => step(1) });
  add('previous', 'k', 'arrowdown', t('Previous conversation'), { run: () => step(-1) });
  add('open', 'enter', 'chevron', t('Open conversation'), { when: () => Boolean(rows.current()), run: () => open(rows.current()) });
}

function bulkButtons(selection, commands) {
  const press = (id, name, label) => iconButton(name, label, () => commands.run(id));
  return selection.size() > 0 && [
    h('span', { class: 'strong grow', role: 'status' }, t('{count} selected', { count: showNumber(selection.size()) })),
    press('close', 'check', t('Close')), press('assign', 'user', t('Assign')), press('tag', 'tag', t('Tag')),
    press('snooze', 'snooze', t('Snooze')), press('read', 'eye', t('Mark as read')),
    iconButton('close', t('Clear the selection'), () => selection.clear()),
  ];
}

function noticeOf(listed, app) {
  if (listed.loading && !listed.ids.length) return listSkeleton();
  if (listed.problem?.code === 'invalid_query') return null; // told at the search box, where it is wrong
  if (listed.problem) {
    return h('div', { class: 'empty', role: 'alert' }, icon('alert'), h('h2', null, t('The list could not be read')), h('p', null, listed.problem.detail),
      button(t('Try again'), () => app.model.refresh()));
  }
  return listed.ids.length ? null : showEmpty(listed, app);
}

const listSkeleton = () => h('div', { class: 'list-skeleton', 'aria-hidden': 'true' }, Array.from({ length: 7 }, () => h('div', null, h('i'), h('b'), h('u'))));

/** @param {any} store @param {string} id */
const viewName = (store, id) => store.get('views').find((view) => view.id === id)?.name ?? t('Conversations');
