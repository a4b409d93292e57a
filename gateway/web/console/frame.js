/** The commands of the frame itself, and the keys that call them. */
import { registerActions } from './actions/actions.js';
import { listenForKeys } from './keys.js';
import { callLater, loadLater } from './loading.js';
import { t } from './strings.js';
import { toast, toastProblem } from './toast.js';

const THEMES = ['auto', 'light', 'dark'];

/** @param {any} app */
export function registerFrame(app) {
  const { commands, router, bus, prefs, store, live, api } = app;
  const drawer = keepEvents(app);
  const add = (id, icon, run, more = {}) => commands.register({ id, icon, run, title: t(`command_${id}`), group: t('Page'), ...more });
  const open = () => Boolean(router.route().conversationId);

  add('palette', 'search', () => callLater('openPalette', app), { keys: 'mod+k' });
  add('search', 'search', () => { bus.emit('pane', 'list'); app.list.search.focus(); }, { keys: '/' });
  add('focus-list', 'inbox', () => app.list.focus(), { hidden: true });
  add('new-conversation', 'edit', (given) => callLater('writeFirst', app, given), { keys: 'c' });
  add('back', 'back', () => router.go({ ...router.route(), conversationId: null }), { when: open });
  bus.on('back', () => commands.run('back'));
  add('toggle-context', 'panel', () => (innerWidth <= 1180 ? bus.emit('pane', document.querySelector('.shell[data-details]') ? 'thread' : 'context') : prefs.set('context', !prefs.get('context'))), { keys: 'i', when: open });
  add('help', 'help', () => callLater('showHelp', app), { keys: '?' });
  add('drawer', 'code', () => drawer.toggle(), { keys: 'mod+shift+d' });
  add('settings', 'settings', () => router.go({ page: 'settings' }));
  add('theme', 'moon', () => {
    const next = THEMES[(THEMES.indexOf(prefs.get('theme')) + 1) % THEMES.length];
    prefs.set('theme', next);
    toast(t('Theme: {theme}', { theme: t(`theme_${next}`) }));
  });
  add('presence', 'user', () => setPresence(prefs.get('presence') === 'online' ? 'away' : 'online'));
  add('sign-out', 'exit', async () => {
    await api.del('/session', { quiet: true }).catch((problem) => { if (problem.status !== 401) throw problem; });
    location.assign('/console');
  });
  const known = new Set();
  for (const view of store.get('views')) registerView(view);
  store.subscribe('views', (views) => views.forEach(registerView));

  function registerView(view) {
    if (known.has(view.id)) return;
    known.add(view.id);
    const there = () => store.get('views').find((one) => one.id === view.id);
    commands.register({ id: `view:${view.id}`, icon: 'inbox', title: t('Go to {name}', { name: view.name }), group: t('Views'), when: () => Boolean(there()), run: () => router.go({ view: view.id }) });
  }
  async function setPresence(state) {
    prefs.set('presence', state);
    live.send({ type: 'presence', state });
    await api.put('/agents/me/availability', { state: state === 'online' ? 'available' : 'away' });
  }
  bus.on('live-ready', () => live.send({ type: 'presence', state: prefs.get('presence') }));
  // A search that is not understood is told where it is typed.
  bus.on('live-problem', (problem) => { if (!problem.id?.startsWith('list') && problem.code !== 'not_found') toastProblem(problem); });
  registerActions(app);
  listenForKeys(app);
  if (prefs.get('drawer')) setTimeout(() => drawer.toggle(true));
}

const KEPT_EVENTS = 200;

/** Events are kept from the start, so that the drawer, once it is opened, shows what led here. */
function keepEvents(app) {
  const events = [];
  let drawer = null;
  app.bus.on('event', (event) => {
    events.push(event);
    if (events.length > KEPT_EVENTS) events.shift();
  });
  return {
    async toggle(on) {
      drawer ??= (await loadLater()).createDrawer(app, events);
      drawer.toggle(on);
    },
  };
}
