/** Settings: what one person likes, and, for whoever may, channels, agents and sessions. */
import { h, icon, iconButton, mount } from '../dom.js';
import { t } from '../strings.js';
import { showAgents } from './agents.js';
import { showChannels } from './channels.js';
import { showPreferences } from './preferences.js';
import { showSessions } from './sessions.js';

const SECTIONS = {
  preferences: { icon: 'settings', show: showPreferences },
  channels: { icon: 'signal', show: showChannels },
  agents: { icon: 'users', show: showAgents },
  sessions: { icon: 'key', show: showSessions },
};

/** @param {HTMLElement} element @param {any} app @param {string} section */
export function mountSettings(element, app, section) {
  const name = SECTIONS[section] ? section : 'preferences';
  const body = h('div', { class: 'body column' });
  const link = (key) => h('a', {
    href: `/console/settings/${key}`, class: 'view', 'aria-current': key === name ? 'page' : null,
    onclick: (event) => { event.preventDefault(); app.router.go({ page: 'settings', section: key }); },
  }, icon(SECTIONS[key].icon), t(`settings_${key}`));
  mount(element,
    h('header', { class: 'row head' }, iconButton('menu', t('openViews'), () => app.bus.emit('pane', 'rail'), { class: 'icon-button phone' }),
      iconButton('back', t('backToList'), () => app.router.go({})), h('h1', null, t('settings'))),
    h('nav', { class: 'row sections', 'aria-label': t('settings') }, Object.keys(SECTIONS).map(link)), body);
  document.title = `${t(`settings_${name}`)} · Switchboard`;
  app.bus.emit('pane', 'settings');
  SECTIONS[name].show(body, app);
}
