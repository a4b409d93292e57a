/** Settings: what one person likes, and, for whoever may, channels, agents, sessions and API keys. */
import { button, h, icon, iconButton, mount } from '../dom.js';
import { t } from '../strings.js';
import { showAgents } from './agents.js';
import { showChannels } from './channels.js';
import { showApiKeys } from './apikeys.js';
import { part } from './part.js';
import { showPreferences } from './preferences.js';
import { showSessions } from './sessions.js';

const SECTIONS = {
  preferences: { icon: 'settings', show: showPreferences },
  channels: { icon: 'signal', show: showChannels },
  agents: { icon: 'users', show: showAgents },
  sessions: { icon: 'lock', show: showSessions },
  keys: { icon: 'key', show: showApiKeys, admin: true },
};

/** @param {HTMLElement} element @param {any} app @returns {(section: string) => void} shows one of them */
export function mountSettings(element, app) {
  const { bus, router, store } = app;
  const go = (section) => (event) => { event.preventDefault(); router.go({ page: 'settings', section }); };
  const links = Object.entries(SECTIONS).filter(([, { admin }]) => !admin || store.me?.role === 'admin')
    .map(([key, one]) => h('a', { href: `/console/settings/${key}`, class: 'view', data: { key }, onclick: go(key) }, icon(one.icon), t(`settings_${key}`)));
  const place = h('div');
  mount(element,
    h('header', { class: 'row head' }, iconButton('menu', t('Open the menu'), () => bus.emit('pane', 'rail'), { class: 'icon-button phone' }),
      iconButton('back', t('Back to the list'), () => router.go({})), h('h1', null, t('Settings'))),
    h('nav', { class: 'row wrap sections', 'aria-label': t('Settings') }, links), place);

  return function show(section) {
    const name = links.some((link) => link.dataset.key === section) ? section : 'preferences';
    for (const link of links) link.ariaCurrent = link.dataset.key === name ? 'page' : null;
    // A body of its own: an answer that comes late finds its own page, not another.
    const body = h('div', { class: 'body column' }, h('span', { class: 'spinner' }));
    mount(place, body);
    bus.emit('pane', 'settings');
    Promise.resolve(SECTIONS[name].show(body, app)).catch((problem) => mount(body, part(t(`settings_${name}`),
      h('p', { role: 'alert' }, problem.detail ?? String(problem)), h('div', null, button(t('Try again'), () => show(name))))));
  };
}
