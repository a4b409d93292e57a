/** The person as a whole: their name, and what can be done with all that is kept of them. */
import { h, icon } from '../dom.js';
import { field, openForm } from '../dialog.js';
import { nameOf } from '../format.js';
import { toast, toastProblem } from '../toast.js';
import { say } from '../timeline/words.js';

/** @param {any} given */
export function renameForm({ contact, api, reload }) {
  const shown = h('h2', {}, h('button', { type: 'button', class: 'rename', title: say('Change the name'), onclick: () => edit() }, h('bdi', {}, nameOf(contact)), icon('edit')));
  const edit = () => {
    const input = h('input', { value: contact.name ?? '', 'aria-label': say('Name'), maxLength: 200, dir: 'auto' });
    const form = h('form', { class: 'row rename-form', onsubmit: async (event) => {
      event.preventDefault();
      form.replaceWith(shown);
      await api.patch(`/contacts/${contact.id}`, { name: input.value.trim() || null }).then(reload, toastProblem);
    } }, input, h('button', { class: 'primary' }, say('Save')));
    form.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); form.replaceWith(shown); } });
    shown.replaceWith(form);
    input.select();
  };
  return shown;
}

/** @param {any} given */
export function personActions({ contact, api, store, reload, conversationId }) {
  const admin = store.me?.role === 'admin';
  const run = (work, words) => async () => {
    try {
      await work();
      toast(say(words), { kind: 'ok' });
      await reload();
    } catch (problem) {
      toastProblem(problem);
    }
  };
  const blocked = Boolean(contact.blocked_at);
  const external = Object.entries(contact.external ?? {});
  return [
    external.length > 0 && h('dl', { class: 'facts' }, external.map(([name, value]) => [h('dt', {}, name), h('dd', {}, h('code', {}, value))])),
    h('p', { class: 'row wrap' },
      action('down', 'Transcript', () => { location.assign(`/v1/conversations/${conversationId}/transcript?format=html`); }),
      action('stop', blocked ? 'Unblock' : 'Block', run(() => api.post(`/contacts/${contact.id}/${blocked ? 'unblock' : 'block'}`), blocked ? 'Unblocked' : 'Blocked: what they write is kept, but nothing is sent')),
      admin && action('archive', 'Export data', run(() => api.post(`/contacts/${contact.id}/export`, {}), 'The export is being made')),
      admin && action('trash', 'Erase…', () => erase(contact, api, reload), 'danger')),
    h('p', { class: 'faint small' }, h('code', {}, contact.id)),
  ];
}

function action(name, words, onclick, kind = '') {
  return h('button', { type: 'button', class: `plain small ${kind}`, onclick }, icon(name), say(words));
}

/** Erasing asks twice: for a reason, and for the id. */
function erase(contact, api, reload) {
  const reason = h('input', { name: 'reason', required: true, maxLength: 500 });
  const confirm = h('input', { name: 'confirm', required: true, autocomplete: 'off', spellcheck: false, placeholder: contact.id });
  const help = say('Everything they wrote and all we know of them goes for good. Write {id} to go on.', { id: contact.id });
  openForm({ title: say('Erase this person?'), submit: say('Erase'), danger: true }, [field(say('Reason'), reason), field(say('Confirm'), confirm, help)], async (values) => {
    await api.post(`/contacts/${contact.id}/erase`, values);
    toast(say('They are being erased'), { kind: 'ok' });
    await reload();
  });
}
