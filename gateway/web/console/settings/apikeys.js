/** API keys, for administrators: made with what they may do, shown once, ended. */
import { buildForm, field, openForm, openNotice } from '../dialog.js';
import { button, h, icon, mount } from '../dom.js';
import { now, showWhole } from '../format.js';
import { t } from '../strings.js';
import { readAll } from '../upkeep.js';
import { copyable, part, settingRow } from './part.js';

const SCOPES = ['conversations:read', 'conversations:write', 'messages:send', 'messages:raw', 'contacts:read', 'contacts:write', 'channels:admin', 'events:read',
  'agents:read', 'agents:write', 'webhooks:read', 'webhooks:write', 'admin'];
const KEY_DAY_MS = 86_400_000;

/** @param {HTMLElement} element @param {any} app */
export async function showApiKeys(element, app) {
  const keys = (await readAll(app.api, '/api-keys')).filter((key) => !key.revoked_at);
  const again = () => showApiKeys(element, app);
  mount(element, part(t('API keys'), keys.length ? h('ul', { class: 'column' }, keys.map((key) => keyRow(key, app, again))) : h('p', { class: 'quiet' }, t('There is none yet.'))),
    part(t('New API key'), keyForm(app, again)));
}

function keyRow(key, { api, store }, again) {
  const owner = key.agent_id && (store.get('agents').get(key.agent_id)?.name ?? key.agent_id);
  const used = key.last_used_at ? t('last used {at}', { at: showWhole(key.last_used_at) }) : t('never used');
  const end = () => openForm({ title: t('Revoke “{name}”?', { name: key.name }), submit: t('Revoke'), danger: true },
    [h('p', null, t('Whoever uses it is refused from now on. It cannot be taken back.'))], () => api.del(`/api-keys/${key.id}`).then(again));
  const over = key.expires_at && Date.parse(key.expires_at) < now();
  return settingRow(icon('key'), [key.name, ' ', h('code', { class: 'faint' }, `${key.prefix}…`)],
    [h('div', { class: 'row wrap' }, key.scopes.map((scope) => h('code', { class: 'chip' }, scope))), [owner, used, key.expires_at && t('ends {at}', { at: showWhole(key.expires_at) })].filter(Boolean).join(' · ')],
    over && h('span', { class: 'chip warn' }, t('Expired')), button(t('Revoke'), end, { 'aria-label': t('Revoke “{name}”', { name: key.name }) }));
}

function keyForm({ api }, done) {
  const boxes = SCOPES.map((scope) => h('label', { class: 'row' }, h('input', { type: 'checkbox', name: 'scopes', value: scope }), h('code', null, scope)));
  const ends = h('select', { name: 'days' }, h('option', { value: '' }, t('Never')), [30, 90, 365].map((days) => h('option', { value: days }, t('After {days} days', { days }))));
  const fields = [field(t('Name'), h('input', { name: 'name', maxLength: 200, placeholder: t('What it is for') })),
    h('fieldset', { class: 'field' }, h('legend', { class: 'label' }, t('What it may do')), h('div', null, boxes)), field(t('It ends'), ends)];
  return buildForm({ submit: t('Make the key') }, fields, async (values, form) => {
    const expires_at = values.days ? new Date(now() + Number(values.days) * KEY_DAY_MS).toISOString() : null;
    const made = await api.post('/api-keys', { name: values.name.trim(), scopes: new FormData(form).getAll('scopes'), expires_at });
    openNotice(made.name, h('p', { class: 'quiet' }, t('This is shown once. Keep it where passwords are kept.')), copyable(made.secret));
    await done();
  });
}
