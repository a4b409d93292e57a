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
 * `channels`, `channelTypes`, `views`, `counts`, `list`, `connection`, `online`, `conversation:{id}`, `entries:{id}`,
 * `typing:{id}`, `viewers:{id}`. Bus events: `event` (any envelope, after the store took it), `live` (typing, presence,
 * viewing), `reset` (list anew), `session-expired`, `session-restored`, `pane` ('rail'|'list'|'thread'|'context': what a
 * phone shows), `sent` (an optimistic entry has left). Commands that the frame registers and the conversation's header may
 * call: `assign`, `assign-me`, `close`, `reopen`, `snooze`, `tag`, `untag`, `merge`, `unread`, `priority`, `back`,
 * `toggle-context`; `run(id)` acts on the open conversation, or on those selected in the list. `reply`, `note` are the
 * composer's. Words are in strings.js, `t('key', {values})`; times and names in format.js; colours and lengths in app.css.
 */
import { createApi } from './api.js';
import { createAttention } from './attention.js';
import { createBus } from './bus.js';
import { createCommands } from './commands.js';
import { registerFrame } from './frame.js';
import { createListModel } from './list/model.js';
import { createSelection } from './list/selection.js';
import { createLive } from './live.js';
import { loadLater, loadWhenIdle } from './loading.js';
import { applyLooks, createPrefs } from './prefs.js';
import { createRouter } from './router.js';
import { mountShell } from './shell.js';
import { createStore } from './store.js';
import { followCounts, loadPeople } from './upkeep.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));

async function boot() {
  const app = createApp();
  applyLooks(app.prefs);
  const { page } = app.router.route();
  if (page === 'reset' || page === 'invitation') return (await loadLater()).showPasswordPage(root, app, app.router.route());
  const session = await app.api.get('/session', {}, { quiet: true }).catch(() => null);
  if (session) return begin(app, session);
  return (await loadLater()).showLogin(root, app, (made) => begin(app, made));
}

function createApp() {
  const app = /** @type {any} */ ({ bus: createBus(), prefs: createPrefs(), commands: createCommands(), selection: createSelection() });
  app.router = createRouter(app.bus);
  app.api = createApi({ bus: app.bus, login: () => signInAgain(app) });
  app.store = createStore(app);
  app.live = createLive({ ...app, take: (event, subscriptions) => takeEvent(app, event, subscriptions) });
  app.simulator = () => app.store.get('meta')?.features?.includes('simulator') ?? false;
  return app;
}

/** The store first, then whoever shows it. */
function takeEvent({ store, bus }, event, subscriptions) {
  store.take(event);
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
  followCounts(app);
  loadWhenIdle();
}

function keepSession(app, session) {
  app.api.csrf = session.csrf_token;
  app.store.set('me', session.agent);
}

let again = null;

/** One login for all requests that wait for it; whoever signs in as somebody else starts afresh. */
function signInAgain(app) {
  again ??= new Promise((resolve) => loadLater().then(({ askLogin }) => askLogin(app, (session) => {
    again = null;
    if (app.store.me && session.agent.id !== app.store.me.id) return location.reload();
    keepSession(app, session);
    app.bus.emit('session-restored');
    resolve(undefined);
  })));
  app.bus.emit('session-expired');
  return again;
}

void boot();
