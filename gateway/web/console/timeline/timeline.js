/** One conversation as it was said, over all channels: the log, what is typed, what leaves later. */
import { button, h, icon, mount } from '../dom.js';
import { t, tCount } from '../strings.js';
import { toast, toastProblem } from '../toast.js';
import { createActions } from './actions.js';
import { mountHeader } from './header.js';
import { createMarker } from './marks.js';
import { createRows } from './placing.js';
import { createReading } from './reading.js';
import { buildRows, firstUnread } from './rows.js';
import { mountScheduled } from './scheduled.js';
import { createScroll } from './scroll.js';

const EARLIER_ENTRIES = 200; // a page of those that lead back to what a link names
const EARLIER_PAGES = 50;
const ENTRY_LINK = '#ent_';

/** @param {HTMLElement} el @param {any} app with `conversationId` @returns {{focus(): void, destroy(): void}} */
export function mountTimeline(el, app) {
  const ui = build(el, () => it.scroll.toEnd());
  const it = /** @type {any} */ ({ app, ui, newFrom: undefined, last: 0, unseen: 0 });
  it.rows = createRows(ui.rows, contextOf(app));
  it.reading = createReading(app, ui);
  it.scroll = createScroll(ui.log, { onTop: () => void loadEarlier(it), onMove: () => moved(it) });
  const parts = [mountHeader(ui.head, app), mountScheduled(ui.later, app), it.scroll];
  const ends = [...parts.map((part) => part.destroy), ...listen(it), it.reading.stop];
  void beginReading(it);
  return {
    focus: () => ui.log.focus(),
    destroy: () => ends.forEach((end) => end()),
  };
}

function build(el, onJump) {
  const ui = {
    head: h('header', { class: 'thread-head' }), top: h('div', { class: 'timeline-top' }), rows: h('div', { class: 'rows' }), later: h('div', { class: 'later' }),
    typing: h('p', { class: 'typing', role: 'status' }), jump: button('', onJump, { class: 'jump', hidden: true }),
  };
  const log = h('div', { class: 'log', role: 'log', tabIndex: 0, 'aria-label': t('Messages'), 'aria-live': 'polite', 'aria-busy': 'true' },
    h('div', { class: 'log-inner' }, ui.top, ui.rows, ui.later, ui.typing));
  mount(el, ui.head, h('div', { class: 'log-frame' }, log, ui.jump));
  return { ...ui, log };
}

/** What messages are drawn with. */
function contextOf(app) {
  const { store, conversationId: id, router } = app;
  return {
    act: createActions(app),
    mark: createMarker(router?.route().q ?? ''),
    channelName: (channel) => store.get('channels').find((one) => one.id === channel)?.name ?? '',
    subject: () => store.conversation(id)?.subject,
    contact: () => store.conversation(id)?.contact,
    find: (entryId) => store.entries(id).items.find((one) => one.id === entryId),
  };
}

function listen(it) {
  const { store, bus, conversationId: id } = it.app;
  const follow = () => { const entryId = linkedEntry(); if (entryId) void showEntry(it, entryId); };
  const look = () => it.reading.plan();
  return [
    store.subscribe(`entries:${id}`, () => draw(it)), store.subscribe(`typing:${id}`, () => tellTyping(it)),
    bus.on('show-entry', (entryId) => showEntry(it, entryId)), bus.on('sent', () => it.scroll.toEnd()),
    on(window, 'hashchange', follow), on(window, 'focus', look), on(document, 'visibilitychange', look),
  ];
}

const linkedEntry = () => location.hash.startsWith(ENTRY_LINK) && location.hash.slice(1);

async function beginReading(it) {
  const { store, conversationId: id } = it.app;
  draw(it);
  try {
    await Promise.all([store.loadEntries(id), store.conversation(id)?.counts ? null : store.loadConversation(id)]);
  } catch (problem) {
    return tellProblem(it, problem);
  } finally {
    it.ui.log.ariaBusy = 'false';
  }
  draw(it);
  await showBeginning(it);
  return fill(it);
}

/** Where reading begins: at what was linked or found, at what is new, or at the end. */
async function showBeginning(it) {
  const found = linkedEntry() || it.app.store.conversation(it.app.conversationId)?.highlight?.entry_id;
  const mark = it.rows.find('new');
  if (found) await showEntry(it, found);
  else if (mark) it.scroll.show(mark);
  else it.scroll.toEnd();
  moved(it);
}

function draw(it) {
  const { store, conversationId: id } = it.app;
  const timeline = store.entries(id);
  if (!timeline.loaded) return mount(it.ui.rows, skeleton());
  it.newFrom ??= firstUnread(timeline.items, store.conversation(id)?.counts?.unread ?? 0) ?? 0;
  countUnseen(it, timeline.items);
  const pending = timeline.pending.map((entry, at) => asEntry(entry, it.last + at + 1, store.me));
  it.scroll.keep(() => {
    mount(it.ui.top, timeline.hasEarlier ? h('span', { class: 'spinner', role: 'img', 'aria-label': t('Loading what came before') }) : t(timeline.items.length ? 'The beginning of this conversation' : 'Nothing has been said yet.'));
    it.rows.place(buildRows([...timeline.items, ...pending], { newFrom: it.newFrom || null }));
  });
  return moved(it);
}

/** What came while somebody read further up. */
function countUnseen(it, items) {
  const fresh = items.filter((entry) => entry.seq > it.last && entry.type !== 'event');
  if (it.last && !it.scroll.atEnd()) it.unseen += fresh.length;
  it.last = items.at(-1)?.seq ?? 0;
}

function moved(it) {
  const { jump } = it.ui;
  jump.hidden = it.scroll.atEnd();
  if (jump.hidden) it.unseen = 0;
  else mount(jump, icon('arrowdown'), it.unseen ? tCount(it.unseen, '{n} new message', '{n} new messages') : t('To the newest'));
  it.reading.plan();
}

async function loadEarlier(it) {
  const { store, conversationId: id } = it.app;
  const { log } = it.ui;
  if (log.ariaBusy === 'true' || !store.entries(id).hasEarlier) return;
  log.ariaBusy = 'true'; // nobody wants to hear all that was said before
  await store.loadEarlier(id).catch(toastProblem);
  log.ariaBusy = 'false';
  fill(it);
}

/** A page that does not fill the pane cannot be scrolled for more. */
function fill(it) {
  if (it.ui.log.scrollHeight <= it.ui.log.clientHeight) void loadEarlier(it);
}

async function showEntry(it, entryId) {
  const { store, conversationId: id } = it.app;
  const find = () => document.getElementById(entryId);
  it.ui.log.ariaBusy = 'true';
  try {
    for (let page = 0; page < EARLIER_PAGES && !find() && store.entries(id).hasEarlier; page += 1) await store.loadEarlier(id, EARLIER_ENTRIES);
  } catch (problem) {
    toastProblem(problem);
  }
  it.ui.log.ariaBusy = 'false';
  const found = find();
  if (!found) {
    toast(t('The message of this link is not in this conversation.'));
    return it.scroll.toEnd();
  }
  const folded = found.closest('details');
  if (folded) folded.open = true;
  it.scroll.show(found);
  return found.classList.add('flash');
}

function tellTyping(it) {
  const { store, conversationId: id } = it.app;
  const named = ({ actor }) => actor.name ?? store.conversation(id)?.contact?.name ?? t('The contact');
  const names = store.typing(id).filter(({ actor }) => actor.type === 'contact').map(named);
  mount(it.ui.typing, names.length > 0 && [h('span', { class: 'dots' }, h('i'), h('i'), h('i')), t('{name} is writing…', { name: names.join(', ') })]);
}

function tellProblem(it, problem) {
  mount(it.ui.rows, h('div', { class: 'empty' }, icon('alert'), h('h2', {}, t('This conversation could not be loaded')), h('p', {}, problem.detail ?? ''),
    button(t('Try again'), () => beginReading(it), { icon: 'retry' })));
}

/** What was just written looks like what it will be. */
function asEntry(pending, seq, me) {
  const author = { type: 'agent', id: me?.id, name: me?.name };
  const blank = { author, recipients: [], occurred_at: new Date().toISOString() };
  return { ...blank, ...pending, seq, pending: true, key: `pending:${pending.client_message_id}`, delivery: { state: 'local' } };
}

function skeleton() {
  return ['in', 'out', 'in'].map((side) => h('div', { class: `entry ${side} head skeleton` }, h('div', { class: 'bubble' })));
}

function on(target, name, run) {
  target.addEventListener(name, run);
  return () => target.removeEventListener(name, run);
}
