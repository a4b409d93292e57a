/** Where one is signed in. */
import { h, icon, mount } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { toastProblem } from '../toast.js';
import { part } from './part.js';

/** @param {HTMLElement} element @param {any} app */
export async function showSessions(element, app) {
  const { api, commands } = app;
  const own = await api.get('/session').catch(() => null);
  const page = await api.get('/sessions').catch(() => null);
  const sessions = page?.data ?? (own ? [own] : []);
  const end = (one) => api.del(`/sessions/${one.id}`).then(() => showSessions(element, app), toastProblem);
  const row = (one) => h('li', { class: 'row setting' }, icon('key'),
    h('div', { class: 'grow' }, h('div', { class: 'strong' }, one.user_agent ? nameBrowser(one.user_agent) : t('session')),
      one.id === own?.id && h('span', { class: 'chip ok' }, t('thisBrowser')),
      h('div', { class: 'faint small' }, one.address ? `${one.address} · ` : '', one.created_at ? `${t('since', { at: showWhole(one.created_at) })} · ` : '', t('endsAt', { at: showWhole(one.expires_at) }))),
    one.id === own?.id ? h('button', { type: 'button', onclick: () => commands.run('sign-out') }, t('command_sign-out'))
      : h('button', { type: 'button', onclick: () => end(one) }, t('endSession')));
  mount(element, part(t('settings_sessions'), h('ul', { class: 'column' }, sessions.map(row))));
}

const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrome', 'Chrome'], ['Safari', 'Safari']];
const SYSTEMS = [['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Mac OS X', 'Mac'], ['Windows', 'Windows'], ['Linux', 'Linux']];

/** What people call it: "Firefox, Windows"; whatever it says where we know neither. Pure. @param {string} agent */
export function nameBrowser(agent) {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([mark]) => agent.includes(mark))?.[1]).filter(Boolean);
  return found.join(', ') || agent;
}
