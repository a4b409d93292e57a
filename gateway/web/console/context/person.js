/** The person as a whole: their name, and what can be done with all that is kept of them. */
import { button, h } from '../dom.js';
import { field, openForm } from '../dialog.js';
import { nameOf } from '../format.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';
import { editable } from '../timeline/editing.js';

const LOOK_EVERY_MS = 1500;

/** @param {any} given */
export function nameField({ contact, api, reload }) {
  const save = (name) => api.patch(`/contacts/${contact.id}`, { name }).then(reload, toastProblem);
  return editable(h('bdi', {}, nameOf(contact)), { title: t('Change the name'), label: t('Name'), value: contact.name ?? '', most: 200, save, class: 'rename' });
}

/** @param {any} given */
export function personActions(given) {
  const { contact, store, conversationId } = given;
  const admin = store.me?.role === 'admin';
  const external = Object.entries(contact.external ?? {});
  const action = (name, words, onclick, kind = '') => button(t(words), onclick, { icon: name, class: `plain small ${kind}` });
  return [
    external.length > 0 && h('dl', { class: 'facts' }, external.map(([name, value]) => [h('dt', {}, name), h('dd', {}, h('code', {}, value))])),
    h('p', { class: 'row wrap' },
      action('down', 'Transcript', () => location.assign(`/v1/conversations/${conversationId}/transcript?format=html`)),
      action('stop', contact.blocked_at ? 'Unblock' : 'Block', () => block(given)),
      admin && action('archive', 'Export data', () => exportPerson(given)),
      admin && action('trash', 'Erase…', () => erase(given), 'danger')),
    h('p', { class: 'faint small' }, h('code', {}, contact.id)),
  ];
}

async function block({ contact, api, reload }) {
  const [verb, words] = contact.blocked_at ? ['unblock', 'Unblocked'] : ['block', 'Blocked: what they write is kept, but nothing is sent'];
  await api.post(`/contacts/${contact.id}/${verb}`).then(() => toast(t(words), { kind: 'ok' }), toastProblem);
  await reload();
}

/** Made in the background; told when it can be fetched. */
async function exportPerson({ contact, api }) {
  try {
    let made = await api.post(`/contacts/${contact.id}/export`, {});
    toast(t('The export is being made'));
    for (; made.state === 'running'; made = await api.get(`/exports/${made.id}`)) await new Promise((done) => { setTimeout(done, LOOK_EVERY_MS); });
    if (made.state !== 'done') throw new Error(made.error ?? t('The export failed.'));
    toast(t('The export is ready'), { kind: 'ok', action: { label: t('Download'), run: () => location.assign(`/v1/exports/${made.id}/file`) } });
  } catch (problem) {
    toastProblem(problem);
  }
}

/** Erasing asks twice: for a reason, and for the id. */
function erase({ contact, api, reload }) {
  const reason = h('input', { name: 'reason', required: true, maxLength: 500 });
  const confirm = h('input', { name: 'confirm', required: true, autocomplete: 'off', spellcheck: false, placeholder: contact.id });
  const help = t('Everything they wrote and all we know of them goes for good. Write {id} to go on.', { id: contact.id });
  openForm({ title: t('Erase this person?'), submit: t('Erase'), danger: true }, [field(t('Reason'), reason), field(t('Confirm'), confirm, help)], async (values) => {
    await api.post(`/contacts/${contact.id}/erase`, values);
    toast(t('They are being erased'), { kind: 'ok' });
    await reload();
  });
}
