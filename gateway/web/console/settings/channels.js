/** Channels: whether they are well, and for administrators: what is left to set up, and a web chat in one form. */
import { buildForm, field, openNotice } from '../dialog.js';
import { button, h, icon, mount } from '../dom.js';
import { now, showSpan } from '../format.js';
import { t } from '../strings.js';
import { loadChannels } from '../upkeep.js';
import { choose, copyable, part, settingRow } from './part.js';

const WEBCHAT = 'webchat-widget';
const HEALTH_KINDS = { ok: 'ok', waiting: '', failing: 'bad', unattended: 'warn' };

/** @param {HTMLElement} element @param {any} app */
export async function showChannels(element, app) {
  await loadChannels(app);
  const { store, simulator } = app;
  const channels = store.get('channels');
  const admin = store.me?.role === 'admin';
  const none = h('div', { class: 'empty' }, icon('signal'), h('h3', null, t('No channel yet')), h('p', null, t('Add a web chat below, or try everything in the simulator first.')), simulator() && h('a', { class: 'button', href: '/sim' }, t('Open the simulator')));
  const again = () => showChannels(element, app);
  mount(element, part(t('Channels'), channels.length ? h('ul', { class: 'column' }, channels.map((channel) => channelRow(channel, app, admin))) : none),
    admin && store.get('channelTypes').some((type) => type.id === WEBCHAT) && part(t('Add a web chat'), webchatForm(app, again)),
    part(t('Other channels'), h('p', { class: 'quiet' }, t('SMS, e-mail, WhatsApp and calls are connected through the API or the command line; their steps appear above.')), h('div', null, h('a', { href: '/docs' }, t('Open the documentation')))));
}

function channelRow(channel, { api }, admin) {
  const state = h('span', { class: 'chip' }, '…');
  const last = h('span', { class: 'faint small' });
  const sick = h('div', { class: 'error' });
  api.get(`/channels/${channel.id}/health`).then((health) => {
    state.className = `chip ${HEALTH_KINDS[health.state] ?? ''}`;
    state.textContent = t(`health_${health.state}`);
    if (health.problem) mount(sick, [health.problem.reason, health.problem.fix].filter(Boolean).join(' — '));
    if (health.last_received_at) last.textContent = t('last heard {span} ago', { span: showSpan(now() - Date.parse(health.last_received_at)) });
  }, () => { state.textContent = t('Unknown'); });
  return settingRow(icon(channel.medium, t(`medium_${channel.medium}`)), channel.name, [channel.addresses.join(', ') || channel.provider, sick],
    last, channel.status === 'paused' ? h('span', { class: 'chip warn' }, t('Paused')) : state, admin && button(t('Set up'), () => showSetup(channel, api)));
}

async function showSetup(channel, api) {
  const setup = await api.get(`/channels/${channel.id}/setup`).catch((problem) => ({ steps: [{ title: problem.detail, detail: problem.hint, value: null }] }));
  const step = ({ title, detail, value }, at) => h('li', { class: 'row step' }, h('span', { class: 'avatar', 'aria-hidden': 'true' }, at + 1),
    h('div', { class: 'grow column' }, h('h3', null, title), detail && h('p', { class: 'quiet' }, detail), value && copyable(value)));
  openNotice(t('Set up {name}', { name: channel.name }), h('ol', { class: 'column' }, setup.steps.map(step)));
}

function webchatForm({ api }, done) {
  const name = h('input', { name: 'name', maxLength: 100, placeholder: t('Chat on our site') });
  const origins = h('input', { name: 'origins', placeholder: 'https://www.example.com' });
  const verification = choose('verification', [['off', t('Not checked')], ['optional', t('Checked where your site says it')], ['required', t('Always checked')]]);
  const fields = [field(t('Name'), name), field(t('Sites that may show it'), origins, t('One or more, with https://, separated by spaces.')), field(t('Who visitors are'), verification)];
  return buildForm({ submit: t('Add channel') }, fields, async (values) => {
    const settings = { origins: values.origins.split(/[\s,]+/).filter(Boolean), verification: values.verification };
    const channel = await api.post('/channels', { adapter: WEBCHAT, name: values.name.trim(), settings });
    await done();
    await showSetup(channel, api);
  });
}
