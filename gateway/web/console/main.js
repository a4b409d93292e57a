/**
 * The console: a client of the public API and nothing more.
 *
 * How modules meet. `boot()` makes one `app` object and hands it to every part: `{api, store, live, bus, commands, router,
 * prefs}`. `api` (api.js) speaks HTTP and throws `ApiProblem`; `live` (live.js) turns the socket into `bus` events; `store`
 * (store.js) holds conversations, entries and people, is fed by answers and by live events, and calls who subscribed to a
 * key; `router` turns the address into a view, a conversation, a search or a settings page. Parts render from the store,
 * never from each other; what a person can do is a command (commands.js), so that a key, the palette and a button are one
 * thing. The conversation's parts are mounted with `mountTimeline|mountComposer|mountContext(element, {conversationId,
 * ...app})` and answer `{focus(), destroy()}`; `destroy` unregisters commands and subscriptions. Store keys: `me`, `agents`,
 * `channels`, `channelTypes`, `views`, `counts`, `list`, `online`, `conversation:{id}`, `entries:{id}`,
 * `typing:{id}`, `viewers:{id}`. Bus events: `event` (any envelope, after the store took it), `live` (typing, presence,
 * viewing), `reset` (read anew), `gone` (the open conversation is no more), `pane` ('rail'|'list'|'thread'|'context': what a
 * phone shows), `sent` (an optimistic entry has left). Commands that the frame registers and the conversation's header may
 * call: `assign`, `assign-me`, `close`, `reopen`, `snooze`, `tag`, `untag`, `merge`, `unread`, `priority`, `back`,
 * `toggle-context`; `run(id)` acts on the open conversation, or on those selected in the list. `reply`, `note` are the
 * composer's. Words are said in English, `t('words', {values})`, see strings.js; times and names in format.js; colours and lengths in app.css.
 */
import { createApi } from './api.js';
import { createAttention } from './attention.js';
import { createBus } from './bus.js';
import { createCommands } from './commands.js';
import { registerFrame } from './frame.js';
import { h, icon, mount } from './dom.js';
import { createListModel } from './list/model.js';
import { createSelection } from './list/selection.js';
import { createLive } from './live.js';
import { callLater, loadWhenIdle } from './loading.js';
import { applyLooks, createPrefs } from './prefs.js';
import { createRouter } from './router.js';
import { mountShell } from './shell.js';
import { createStore } from './store.js';
import { t } from './strings.js';
import { keepFresh, loadPeople } from './upkeep.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

async function boot() {
  const app = createApp();
  applyLooks(app.prefs);
  const { page } = app.router.route();
  if (page === 'reset' || page === 'invitation') return callLater('showPasswordPage', root, app, app.router.route());
  const session = await findSession(app);
  return session ? begin(app, session) : callLater('showLogin', root, app, (made) => begin(app, made));
}

const KNOCK_MS = 5000;

/** The session there is, or none; while nobody answers that is not known, and said. */
async function findSession({ api }) {
  for (;;) {
    try {
      return await api.get('/session', {}, { quiet: true });
    } catch (/** @type {any} */ problem) {
      if (problem.status === 401) return null;
      mount(root, h('main', { class: 'empty', role: 'alert' }, icon('alert'), h('h1', null, t('The gateway does not answer')), h('p', null, t('This page goes on by itself as soon as it does.'))));
      await new Promise((resolve) => { setTimeout(resolve, KNOCK_MS); });
    }
  }
}

function createApp() {
  const app = /** @type {any} */ ({ bus: createBus(), prefs: createPrefs(), commands: createCommands(), selection: createSelection() });
  app.router = createRouter(app.bus);
  app.api = createApi({ bus: app.bus, login: () => signInAgain(app), renew: async () => keepSession(app, await app.api.get('/session')) });
  app.store = createStore(app);
  app.live = createLive({ ...app, take: (event, subscriptions) => takeEvent(app, event, subscriptions) });
  app.simulator = () => app.store.get('meta')?.features?.includes('simulator') ?? false;
  return app;
}

const REWRITING = /^(contact\.erased|conversation\.(merged|split|move_undone))$/;

/** The store first, then whoever shows it. */
function takeEvent({ store, bus }, event, subscriptions) {
  store.take(event);
  // What was said may be nowhere any more: nothing of it is kept here either.
  if (REWRITING.test(event.type)) bus.emit('reset');
  bus.emit('told', { event, subscriptions });
  bus.emit('event', event);
}

async function begin(app, session) {
  keepSession(app, session);
  app.model = createListModel(app);
  app.attention = createAttention(app);
  registerFrame(app);
  await loadPeople(app);
  mountShell(root, app);
  const list = ({ route, before }) => {
    if (route.page === 'inbox' && (!before || before.view !== route.view || before.q !== route.q || before.page !== 'inbox')) app.model.load(route);
  };
  app.bus.on('route', list);
  app.live.subscribe('all');
  if (app.router.route().page === 'inbox') list({ route: app.router.route(), before: null });
  else app.live.start();
  app.bus.on('reset', () => app.store.reset(app.router.route().conversationId));
  keepFresh(app);
  loadWhenIdle();
}

/** Whoever is somebody else now starts afresh: nothing on this page is theirs. */
function keepSession({ api, store }, session) {
  if (store.me && session.agent.id !== store.me.id) {
    location.reload();
    return new Promise(() => undefined);
  }
  api.csrf = session.csrf_token;
  return store.set('me', session.agent);
}

let again = null;

/** One login for all requests that wait for it. */
function signInAgain(app) {
  again ??= new Promise((resolve) => callLater('askLogin', app, resolve)).then((session) => {
    again = null;
    return keepSession(app, session);
  });
  return again;
}

void boot();
