/** The rail: views with their counts, what is there to begin, and me. */
import { ICON, h, icon, iconButton, mount, uid } from '../dom.js';
import { hueOf, initials, showNumber } from '../format.js';
import { loadLater } from '../loading.js';
import { t } from '../strings.js';

const ICONS = { open: 'inbox', mine: 'user', unassigned: 'users', waiting: 'clock', snoozed: 'snooze', closed: 'check', all: 'archive' };

/** @param {HTMLElement} element @param {any} app */
export function mountRail(element, app) {
  const { store, router, bus, commands, prefs } = app;
  const builtIn = h('ul', { class: 'views' });
  const saved = h('ul', { class: 'views' });
  const savedHeading = h('h2', { class: 'small faint', id: uid('saved') }, t('savedViews'));
  const me = h('div', { class: 'me' });
  mount(element,
    h('div', { class: 'row brand' }, h('img', { src: ICON, alt: '', width: 24, height: 24 }), h('span', { class: 'strong grow' }, 'Switchboard'),
      iconButton('close', t('closeViews'), () => bus.emit('pane', 'list'), { class: 'icon-button phone' })),
    h('button', { type: 'button', class: 'primary new', onclick: () => commands.run('new-conversation') }, icon('edit'), t('newConversation')),
    h('nav', { 'aria-label': t('views') }, builtIn, savedHeading, saved),
    h('div', { class: 'row foot' },
      iconButton('search', t('command_palette'), () => commands.run('palette')), iconButton('help', t('command_help'), () => commands.run('help')),
      iconButton('code', t('command_drawer'), () => commands.run('drawer')), iconButton('moon', t('command_theme'), () => commands.run('theme')),
      iconButton('settings', t('settings'), () => commands.run('settings'))),
    me);

  function show() {
    const views = store.get('views');
    const own = views.filter((view) => !view.built_in);
    mount(builtIn, views.filter((view) => view.built_in).map((view) => item(view, app)));
    mount(saved, own.map((view) => item(view, app)));
    savedHeading.hidden = !own.length;
  }
  const showMe = () => mount(me, meButton(app));
  const stops = ['views', 'counts'].map((key) => store.subscribe(key, show));
  stops.push(store.subscribe('me', showMe), store.subscribe('online', showMe));
  prefs.on('presence', showMe);
  bus.on('route', show);
  show();
  showMe();
  return { destroy: () => stops.forEach((stop) => stop()) };
}

function item(view, app) {
  const { store, router, bus } = app;
  const route = router.route();
  const current = route.page === 'inbox' && !route.q && route.view === view.id;
  const count = store.get('counts').get(view.id);
  const go = (event) => {
    event.preventDefault();
    router.go({ view: view.id });
    bus.emit('pane', 'list');
  };
  return h('li', { class: 'row' },
    h('a', { class: 'view grow', href: `/console/view/${view.id}`, 'aria-current': current ? 'page' : null, onclick: go },
      icon(ICONS[view.id] ?? 'filter'), h('span', { class: 'grow clip', dir: 'auto' }, view.name),
      count?.count ? h('span', { class: 'number small' }, showNumber(count.count) + (count.exact ? '' : '+'), h('span', { class: 'hush' }, ` ${t('conversationsLower')}`)) : null),
    !view.built_in && iconButton('more', t('changeView', { name: view.name }), async () => (await loadLater()).changeView(app, view)));
}

function meButton({ store, prefs, commands }) {
  const me = store.me;
  if (!me) return null;
  const away = prefs.get('presence') === 'away';
  const others = [...store.get('online')].filter(([id, state]) => id !== me.id && state === 'online').map(([id]) => store.get('agents').get(id)).filter(Boolean);
  const face = (agent, kind = '') => h('span', { class: `avatar ${kind}`, style: { '--hue': hueOf(agent.id) }, title: agent.name }, h('span', { 'aria-hidden': 'true' }, initials(agent.name)), kind && h('span', { class: 'hush' }, agent.name));
  return [
    others.length > 0 && h('div', { class: 'row online small faint' }, h('span', { class: 'grow' }, t('alsoOnline')), others.slice(0, 6).map((agent) => face(agent, 'tiny'))),
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'plain who-am-i grow', 'aria-pressed': String(!away), title: t('command_presence'), onclick: () => commands.run('presence') }, face(me),
        h('span', { class: 'me-words' }, h('span', { class: 'strong clip' }, me.name), h('span', { class: 'small faint row' }, h('span', { class: `lamp ${away ? '' : 'on'}` }), t(away ? 'away' : 'online')))),
      iconButton('exit', t('command_sign-out'), () => commands.run('sign-out'))),
  ];
}
