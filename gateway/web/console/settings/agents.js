/** Who answers: the list, and for administrators: inviting one more, by mail or by a link to hand over, and letting go. */
import { buildForm, field, openForm, openNotice } from '../dialog.js';
import { button, h, mount } from '../dom.js';
import { hueOf, initials } from '../format.js';
import { t } from '../strings.js';
import { copyText, toast, toastProblem } from '../toast.js';
import { loadPeople } from '../upkeep.js';
import { choose, part, settingRow } from './part.js';

const ROLES = () => /** @type {[string, string][]} */ (['agent', 'admin'].map((role) => [role, t(`role_${role}`)]));

/** @param {HTMLElement} element @param {any} app */
export function showAgents(element, app) {
  const { store } = app;
  const admin = store.me?.role === 'admin';
  const agents = [...store.get('agents').values()].sort((one, other) => one.name.localeCompare(other.name));
  const again = async () => { await loadPeople(app); showAgents(element, app); };
  mount(element, part(t('People'), h('ul', { class: 'column' }, agents.map((agent) => agentRow(agent, app, admin && again)))),
    admin && part(t('Invite somebody'), inviteForm(app, again)));
}

function agentRow(agent, { api, store }, again) {
  const picture = h('span', { class: 'avatar', style: { '--hue': hueOf(agent.id) }, 'aria-hidden': 'true' }, initials(agent.name));
  const online = store.get('online').get(agent.id) === 'online';
  return settingRow(picture, agent.name, agent.email,
    online && h('span', { class: 'chip ok' }, t('Online')), h('span', { class: 'chip' }, t(`role_${agent.role}`)),
    again && [button(t('New link'), () => invite(api, agent, false).catch(toastProblem)),
      agent.id !== store.me.id && button(t('Change'), () => changeAgent(api, agent, again), { 'aria-label': t('Change {name}', { name: agent.name }) })]);
}

function changeAgent(api, agent, again) {
  const role = choose('role', ROLES());
  role.value = agent.role;
  const remove = async () => {
    await api.del(`/agents/${agent.id}`);
    dialog.close();
    await again();
  };
  const gone = h('div', null, button(t('Remove from the team'), () => remove().catch(toastProblem), { class: 'danger', icon: 'trash' }),
    h('p', { class: 'help small faint' }, t('Their sessions and keys end at once. What they wrote stays.')));
  const dialog = openForm({ title: agent.name, submit: t('Save') }, [field(t('Role'), role), gone], async (values) => {
    await api.patch(`/agents/${agent.id}`, { role: values.role }, { ifMatch: agent.version });
    await again();
  });
}

function inviteForm({ api }, done) {
  const fields = [
    field(t('Name'), h('input', { name: 'name', maxLength: 100 })), field(t('E-mail'), h('input', { type: 'email', name: 'email' })),
    field(t('Role'), choose('role', ROLES())), field(t('Invitation'), choose('how', [['link', t('By a link that I hand over')], ['mail', t('By e-mail')]])),
  ];
  return buildForm({ submit: t('Invite') }, fields, async (values) => {
    const agent = await api.post('/agents', { name: values.name.trim(), email: values.email.trim(), role: values.role });
    await done();
    await invite(api, agent, values.how === 'mail').catch(toastProblem);
  });
}

async function invite(api, agent, byMail) {
  const invitation = await api.post(`/agents/${agent.id}/invitations`, { by_mail: byMail });
  if (!invitation.url) return void toast(t('An invitation is on its way to {email}', { email: agent.email }), { kind: 'ok' });
  openNotice(t('A link for {name}', { name: agent.name }), h('p', { class: 'quiet' }, t('It opens once and sets a password. Hand it over in a way that only they see.')),
    h('input', { readOnly: true, value: invitation.url, 'aria-label': t('Link') }), h('div', null, button(t('Copy'), () => copyText(invitation.url), { icon: 'copy' })));
}
