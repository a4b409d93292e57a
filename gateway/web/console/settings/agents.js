/** Who answers: the list, and inviting one more, by mail or by a link to hand over. */
import { buildForm, field, openDialog } from '../dialog.js';
import { h, mount } from '../dom.js';
import { hueOf, initials } from '../format.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';
import { loadPeople } from '../upkeep.js';
import { part } from './part.js';

/** @param {HTMLElement} element @param {any} app */
export function showAgents(element, app) {
  const { store } = app;
  const admin = store.me?.role === 'admin';
  const agents = [...store.get('agents').values()].sort((one, other) => one.name.localeCompare(other.name));
  const again = async () => { await loadPeople(app); showAgents(element, app); };
  mount(element, part(t('settings_agents'), h('ul', { class: 'column' }, agents.map((agent) => row(agent, app, admin)))), admin && part(t('inviteAgent'), inviteForm(app, again)));
}

function row(agent, { api, store }, admin) {
  const online = store.get('online').get(agent.id) === 'online';
  return h('li', { class: 'row setting' }, h('span', { class: 'avatar', style: { '--hue': hueOf(agent.id) }, 'aria-hidden': 'true' }, initials(agent.name)),
    h('div', { class: 'grow' }, h('div', { class: 'strong clip', dir: 'auto' }, agent.name), h('div', { class: 'faint small clip' }, agent.email)),
    online && h('span', { class: 'chip ok' }, t('online')), agent.role && h('span', { class: 'chip' }, t(`role_${agent.role}`)),
    admin && h('button', { type: 'button', onclick: () => invite(api, agent, false).catch(toastProblem) }, t('newLink')));
}

function inviteForm({ api }, done) {
  const fields = [
    field(t('name'), h('input', { name: 'name', required: true, maxLength: 100 })), field(t('email'), h('input', { type: 'email', name: 'email', required: true })),
    field(t('role'), h('select', { name: 'role' }, ['agent', 'admin'].map((value) => h('option', { value }, t(`role_${value}`))))),
    field(t('invitation'), h('select', { name: 'how' }, h('option', { value: 'link' }, t('byLink')), h('option', { value: 'mail' }, t('byMail')))),
  ];
  return buildForm({ submit: t('invite') }, fields, async (values) => {
    const agent = await api.post('/agents', { name: values.name.trim(), email: values.email.trim(), role: values.role });
    await done();
    await invite(api, agent, values.how === 'mail');
  });
}

async function invite(api, agent, byMail) {
  const invitation = await api.post(`/agents/${agent.id}/invitations`, { by_mail: byMail });
  if (!invitation.url) return void toast(t('invited', { email: agent.email }), { kind: 'ok' });
  const copy = async () => { await navigator.clipboard?.writeText(invitation.url); toast(t('copied'), { kind: 'ok' }); };
  openDialog({ title: t('invitationLink', { name: agent.name }), wide: true }, (close) => [
    h('p', { class: 'quiet' }, t('invitationLinkHelp')), h('input', { readOnly: true, value: invitation.url, 'aria-label': t('link') }),
    h('div', { class: 'foot row' }, h('button', { type: 'button', onclick: copy }, t('copy')), h('button', { type: 'button', class: 'primary', onclick: close }, t('done')))]);
}
