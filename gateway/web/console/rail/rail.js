/** The rail: views with their counts, what is there to begin, and me. */
import { ICON, button, h, icon, iconButton, mount } from '../dom.js';
import { hueOf, initials, showNumber } from '../format.js';
import { callLater } from '../loading.js';
import { t } from '../strings.js';

const VIEW_ICONS = { open: 'inbox', mine: 'user', unassigned: 'users', waiting: 'clock', snoozed: 'snooze', closed: 'check', all: 'archive' };
const FACES = 6;

/** @param {HTMLElement} element @param {any} app */
export function mountRail(element, app) {
  const { store, bus, commands, prefs } = app;
  const builtIn = h('ul'), saved = h('ul'), others = h('div', { class: 'row online small faint' });
  const savedHeading = h('h2', { class: 'small faint' }, t('Saved views'));
  const me = meButton(app);
  const press = (id, name, label) => iconButton(name, label, () => commands.run(id));
  let items = /** @type {any[]} */ ([]);
  mount(element,
    h('div', { class: 'row brand' }, h('img', { src: ICON, alt: '', width: 24, height: 24 }), h('span', { class: 'strong grow' }, 'Switchboard'),
      iconButton('close', t('Close the menu'), () => bus.emit('pane', 'list'), { class: 'icon-button phone' })),
    button(t('New conversation'), () => commands.run('new-conversation'), { class: 'primary new', icon: 'edit' }),
    h('nav', { 'aria-label': t('Views') }, builtIn, savedHeading, saved),
    h('div', { class: 'row foot' },
      press('palette', 'search', t('Commands')), press('help', 'help', t('Keyboard shortcuts')), press('drawer', 'code', t('Developer drawer')),
      press('theme', 'moon', t('Light, dark or as the system')), press('settings', 'settings', t('Settings'))),
    h('div', { class: 'me' }, others, h('div', { class: 'row' }, me.element, press('sign-out', 'exit', t('Sign out')))));

  function show() {
    items = store.get('views').map((view) => viewItem(view, app));
    const elements = (own) => items.filter((one) => one.own === own).map((one) => one.element);
    mount(builtIn, elements(false));
    mount(saved, elements(true));
    savedHeading.hidden = !saved.childElementCount;
    mark();
  }
  // In place, so that whoever stands on a link stays there.
  const mark = () => { for (const one of items) one.mark(); };
  function showOthers() {
    const online = [...store.get('online')].filter(([id, state]) => id !== store.me?.id && state === 'online').map(([id]) => store.get('agents').get(id)).filter(Boolean);
    others.hidden = !online.length;
    mount(others, h('span', { class: 'grow' }, t('Also online')), online.slice(0, FACES).map((agent) => face(agent, 'tiny')));
  }
  store.subscribe('views', show);
  store.subscribe('counts', mark);
  bus.on('route', mark);
  store.subscribe('me', me.show);
  prefs.on('presence', me.show);
  for (const key of ['online', 'agents']) store.subscribe(key, showOthers);
  for (const draw of [show, me.show, showOthers]) draw();
}

function viewItem(view, app) {
  const { store, router, bus } = app;
  const number = h('span', { class: 'number small' });
  const go = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    router.go({ view: view.id });
    bus.emit('pane', 'list');
  };
  const link = h('a', { class: 'view grow', href: `/console/view/${view.id}`, onclick: go },
    icon(VIEW_ICONS[view.id] ?? 'filter'), h('span', { class: 'grow clip', dir: 'auto' }, view.name), number);
  return {
    own: !view.built_in,
    element: h('li', { class: 'row' }, link, !view.built_in && iconButton('more', t('Change the view “{name}”', { name: view.name }), () => callLater('changeView', app, view))),
    mark() {
      const route = router.route();
      const { count, exact } = store.get('counts').get(view.id) ?? {};
      link.ariaCurrent = route.page === 'inbox' && !route.q && route.view === view.id ? 'page' : null;
      mount(number, count > 0 && [showNumber(count) + (exact ? '' : '+'), h('span', { class: 'hush' }, ` ${t('conversations')}`)]);
    },
  };
}

const face = (agent, kind = '') => h('span', { class: `avatar ${kind}`, style: { '--hue': hueOf(agent.id) }, title: agent.name },
  h('span', { 'aria-hidden': 'true' }, initials(agent.name)), kind && h('span', { class: 'hush' }, agent.name));

function meButton({ store, prefs, commands }) {
  const element = h('button', { type: 'button', class: 'plain who-am-i grow', title: t('Online or away'), onclick: () => commands.run('presence') });
  return {
    element,
    show() {
      const away = prefs.get('presence') === 'away';
      element.setAttribute('aria-pressed', String(!away));
      mount(element, store.me && [face(store.me), h('span', { class: 'me-words' }, h('span', { class: 'strong clip' }, store.me.name),
        h('span', { class: 'small faint row' }, h('span', { class: `lamp ${away ? '' : 'on'}` }), t(away ? 'Away' : 'Online')))]);
    },
  };
}
