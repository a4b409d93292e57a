/** Where one is signed in. */
import { button, h, icon, mount } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { toastProblem } from '../toast.js';
import { readAll } from '../upkeep.js';
import { part, settingRow } from './part.js';

/** @param {HTMLElement} element @param {any} app */
export async function showSessions(element, app) {
  const { api, commands } = app;
  const [own, sessions] = await Promise.all([api.get('/session'), readAll(api, '/sessions')]);
  const end = (one) => api.del(`/sessions/${one.id}`).then(() => showSessions(element, app), toastProblem);
  const facts = (one) => [one.address, one.created_at && t('since {at}', { at: showWhole(one.created_at) }), t('ends {at}', { at: showWhole(one.expires_at) })];
  const row = (one) => settingRow(icon('lock'), one.user_agent ? nameBrowser(one.user_agent) : t('Session'), facts(one).filter(Boolean).join(' · '),
    one.id === own.id ? [h('span', { class: 'chip ok' }, t('This browser')), button(t('Sign out'), () => commands.run('sign-out'))] : button(t('End'), () => end(one)));
  mount(element, part(t('Sessions'), h('ul', { class: 'column' }, sessions.map(row))));
}

const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrome', 'Chrome'], ['Safari', 'Safari']];
const SYSTEMS = [['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Mac OS X', 'Mac'], ['Windows', 'Windows'], ['Linux', 'Linux']];

/** What people call it: "Firefox, Windows"; whatever it says where we know neither. Pure. @param {string} agent */
export function nameBrowser(agent) {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([mark]) => agent.includes(mark))?.[1]).filter(Boolean);
  return found.join(', ') || agent;
}
