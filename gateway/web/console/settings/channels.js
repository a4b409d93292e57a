/** Channels: whether they are well, what is left to set up, and a web chat in one form. */
import { buildForm, field, openDialog } from '../dialog.js';
import { h, icon, mount } from '../dom.js';
import { showSpan } from '../format.js';
import { t } from '../strings.js';
import { toast } from '../toast.js';
import { loadChannels } from '../upkeep.js';
import { part } from './part.js';

const WEBCHAT = 'webchat-widget';
const KINDS = { ok: 'ok', waiting: '', failing: 'bad', unattended: 'warn' };

/** @param {HTMLElement} element @param {any} app */
export async function showChannels(element, app) {
  await loadChannels(app);
  const { store, simulator } = app;
  const channels = store.get('channels');
  const list = h('ul', { class: 'column' }, channels.map((channel) => row(channel, app)));
  const none = h('div', { class: 'empty' }, icon('signal'), h('h3', null, t('noChannels')), h('p', null, t('noChannelsHelp')), simulator() && h('a', { class: 'button', href: '/sim' }, t('openSimulator')));
  const again = () => showChannels(element, app);
  mount(element, part(t('settings_channels'), channels.length ? list : none),
    store.get('channelTypes').some((type) => type.id === WEBCHAT) && part(t('addWebchat'), webchatForm(app, again)),
    part(t('otherChannels'), h('p', { class: 'quiet' }, t('otherChannelsHelp')), h('div', { class: 'row wrap' }, h('a', { href: '/docs' }, t('openDocs')))));
}

function row(channel, { api }) {
  const state = h('span', { class: 'chip' }, '…');
  const last = h('span', { class: 'faint small' });
  api.get(`/channels/${channel.id}/health`).then((health) => {
    state.className = `chip ${KINDS[health.state] ?? ''}`;
    state.textContent = t(`health_${health.state}`);
    if (health.problem) state.title = [health.problem.reason, health.problem.fix].filter(Boolean).join(' — ');
    if (health.last_received_at) last.textContent = t('lastReceived', { span: showSpan(Date.now() - Date.parse(health.last_received_at)) });
  }, () => { state.textContent = t('unknown'); });
  return h('li', { class: 'row setting' }, icon(channel.medium, t(`medium_${channel.medium}`)),
    h('div', { class: 'grow' }, h('div', { class: 'strong clip', dir: 'auto' }, channel.name), h('div', { class: 'faint small clip' }, channel.addresses.join(', ') || channel.provider)),
    last, channel.status === 'paused' ? h('span', { class: 'chip warn' }, t('paused')) : state,
    h('button', { type: 'button', onclick: () => showSetup(channel, api) }, t('setUp')));
}

async function showSetup(channel, api) {
  const setup = await api.get(`/channels/${channel.id}/setup`).catch((problem) => ({ steps: [{ title: problem.detail, detail: problem.hint, value: null }] }));
  const step = ({ title, detail, value }, at) => h('li', { class: 'row step' }, h('span', { class: 'avatar', 'aria-hidden': 'true' }, at + 1),
    h('div', { class: 'grow column' }, h('h3', null, title), detail && h('p', { class: 'quiet' }, detail), value && copyable(value)));
  openDialog({ title: t('setUpOf', { name: channel.name }), wide: true }, (close) => [
    h('ol', { class: 'column' }, setup.steps.map(step)),
    h('div', { class: 'foot row' }, h('button', { type: 'button', class: 'primary', onclick: close }, t('done')))]);
}

function copyable(value) {
  const copy = async () => { await navigator.clipboard?.writeText(value); toast(t('copied'), { kind: 'ok' }); };
  return h('div', { class: 'row copyable' }, h('pre', { class: 'grow', tabIndex: 0 }, value), h('button', { type: 'button', onclick: copy }, icon('copy'), t('copy')));
}

function webchatForm({ api }, done) {
  const name = h('input', { name: 'name', required: true, maxLength: 100, placeholder: t('webchatExample') });
  const origins = h('input', { name: 'origins', placeholder: 'https://www.example.com' });
  const verification = h('select', { name: 'verification' }, ['off', 'optional', 'required'].map((value) => h('option', { value }, t(`verification_${value}`))));
  const fields = [field(t('name'), name), field(t('origins'), origins, t('originsHelp')), field(t('verification'), verification)];
  return buildForm({ submit: t('addChannel') }, fields, async (values) => {
    const settings = { origins: values.origins.split(/[\s,]+/).filter(Boolean), verification: values.verification };
    const channel = await api.post('/channels', { adapter: WEBCHAT, name: values.name.trim(), settings });
    await done();
    await showSetup(channel, api);
  });
}
