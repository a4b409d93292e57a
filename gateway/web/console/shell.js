/** The frame of the signed-in page: rail, list, conversation, details; which of them are seen, and how wide. */
import { mountComposer } from './composer/composer.js';
import { mountTimeline } from './timeline/timeline.js';
import { button, h, icon, mount } from './dom.js';
import { showNothingOpen } from './firstrun/empty.js';
import { loadLater } from './loading.js';
import { mountList } from './list/list.js';
import { mountRail } from './rail/rail.js';
import { splitter } from './splitter.js';
import { t } from './strings.js';
import { toastProblem } from './toast.js';

/** @param {HTMLElement} element @param {any} app */
export function mountShell(element, app) {
  const { bus, router, store, prefs } = app;
  const rail = h('aside', { class: 'rail', 'aria-label': t('Navigation'), id: 'rail' });
  const list = h('section', { class: 'list', 'aria-labelledby': 'list-title', id: 'list' });
  const thread = h('section', { class: 'thread', id: 'thread', tabIndex: -1, 'aria-label': t('Conversation') });
  const context = h('aside', { class: 'context', 'aria-label': t('Details'), id: 'context' });
  const settings = h('main', { class: 'settings', id: 'settings', tabIndex: -1, hidden: true }, h('div', { class: 'empty' }, h('span', { class: 'spinner' })));
  const banner = h('div', { role: 'status', class: 'connection' });
  const inbox = h('main', { class: 'inbox' }, list, splitter({ name: 'list', label: t('Width of the list'), prefs, from: 280, to: 560, width: 344 }),
    thread, splitter({ name: 'context', label: t('Width of the details'), prefs, from: 240, to: 480, width: 304, end: true }));
  const shell = h('div', { class: 'shell' }, rail, inbox, context, settings);
  mount(element, h('a', { class: 'skip button', href: '#thread', onclick: (event) => { event.preventDefault(); thread.focus(); } }, t('Skip to the conversation')), banner, shell);
  mountRail(rail, app);
  app.list = mountList(list, app);

  let showSettings = null;
  const opened = openThread(app, { thread, context });
  function show({ route, before }) {
    const inSettings = route.page === 'settings';
    settings.hidden = !inSettings;
    inbox.hidden = context.hidden = inSettings;
    shell.dataset.page = route.page;
    if (inSettings) return openSettings(route.section);
    if (route.conversationId !== opened.id()) opened.show(route.conversationId);
    shell.toggleAttribute('data-open', Boolean(route.conversationId));
    if (route.conversationId !== before?.conversationId || route.page !== before?.page) pane(route.conversationId ? 'thread' : 'list');
    // Where the focus went with the conversation, it comes back to the list.
    if (before?.conversationId && !route.conversationId && document.activeElement === document.body) app.list.focus();
  }
  function openSettings(section) {
    loadLater().then(({ mountSettings }) => {
      showSettings ??= mountSettings(settings, app);
      if (!settings.hidden) showSettings(section);
    }, toastProblem);
  }
  function pane(name) {
    const details = name === 'context';
    shell.dataset.pane = details || name === 'thread' ? 'thread' : name;
    shell.toggleAttribute('data-details', details);
    if (name === 'rail') rail.querySelector('a')?.focus();
  }
  const showContext = () => shell.toggleAttribute('data-narrow', !prefs.get('context'));
  prefs.on('context', showContext);
  showContext();
  bus.on('route', show);
  bus.on('pane', (name) => { pane(name); if (name === 'thread') opened.focus(); });
  bus.on('gone', (gone) => { if (gone === opened.id()) void opened.show(gone); });
  bus.on('connection', (status) => showConnection(banner, status));
  store.subscribe('conversation', (one) => { if (one.id === opened.id()) app.attention.showTitle(); });
  show({ route: router.route(), before: null });
}

/** The parts of one conversation, mounted together and taken away together. */
function openThread(app, { thread, context }) {
  const { store, live } = app;
  let parts = [], id = /** @type {string|null|undefined} */ (undefined), wantsFocus = false;

  function close() {
    for (const part of parts) part.destroy();
    parts = [];
    mount(context);
  }
  async function show(next) {
    close();
    id = next;
    live.send({ type: 'viewing', conversation_id: next });
    app.attention.showTitle();
    if (!next) return mount(thread, showNothingOpen(app));
    mount(thread, h('div', { class: 'empty' }, h('span', { class: 'spinner' }), h('span', { class: 'hush' }, t('Loading'))));
    try {
      if (!store.conversation(next) || store.conversation(next).partial) await store.loadConversation(next);
    } catch (problem) {
      if (id === next) mount(thread, lostThread(problem, app, () => show(next)));
      return;
    }
    if (id !== next) return;
    build(next);
    if (wantsFocus) focus();
  }
  function build(conversationId) {
    const timeline = h('div', { class: 'timeline' });
    const composer = h('div', { class: 'composer' });
    mount(thread, timeline, composer);
    const given = { ...app, conversationId };
    parts = [mountTimeline(timeline, given), mountComposer(composer, given)];
    loadLater().then(({ mountContext }) => { if (id === conversationId) parts.push(mountContext(context, given)); }, toastProblem);
    void store.loadConversation(conversationId).catch(() => undefined); // what the list knew may be old
    app.attention.showTitle();
  }
  function focus() {
    wantsFocus = !parts.length;
    parts[0]?.focus();
  }
  store.subscribe('list', () => { if (id === null) mount(thread, showNothingOpen(app)); });
  app.bus.on('live-ready', () => { if (id) live.send({ type: 'viewing', conversation_id: id }); });
  return { show, focus, id: () => id };
}

function lostThread(problem, app, again) {
  const missing = problem.status === 404;
  return h('div', { class: 'empty', role: 'alert' }, icon(missing ? 'search' : 'alert'), h('h1', null, t(missing ? 'There is no such conversation' : 'The conversation could not be opened')),
    h('p', null, missing ? t('It may have been merged or erased, or the link is incomplete.') : problem.detail),
    h('div', { class: 'row' }, !missing && button(t('Try again'), again), button(t('Back to the list'), () => app.router.go({}))));
}

const CAUGHT_UP_MS = 5000;
let hiding = 0;

function showConnection(banner, { state, caughtUp, again }) {
  clearTimeout(hiding);
  const words = { reconnecting: t('Reconnecting…'), offline: t('You are offline. What you write is kept.'), online: again && t(['Caught up', 'Caught up, 1 event'][caughtUp] ?? 'Caught up, {count} events', { count: caughtUp }) }[state];
  mount(banner, words && h('div', { class: `banner ${state === 'online' ? 'ok' : ''}` }, state === 'online' ? icon('check') : h('span', { class: 'spinner' }), words));
  if (state === 'online') hiding = setTimeout(() => mount(banner), CAUGHT_UP_MS);
}
