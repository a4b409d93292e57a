/** Where a person can be reached: each address, what proves it is theirs, and what they allowed. */
import { h, icon, iconButton } from '../dom.js';
import { field, openForm } from '../dialog.js';
import { showAddress, showWhole } from '../format.js';
import { toastProblem } from '../toast.js';
import { openMenu } from '../timeline/menu.js';
import { say } from '../timeline/words.js';

/** @type {Record<string, [string, string]>} icon and kind */
const KINDS = { phone: ['phone', 'Phone'], email: ['email', 'E-mail'], whatsapp: ['whatsapp', 'WhatsApp'], visitor: ['webchat', 'Web chat'] };
/** @type {Record<string, [string, string]>} */
const PROOFS = { confirmed: ['Confirmed', 'ok'], provider: ['Vouched for by the provider', 'ok'], none: ['Not verified', ''] };
const SUPPORT = 'support';

/** @param {any} given */
export function identityList(given) {
  const { contact } = given;
  return [h('ul', { class: 'identities' }, contact.identities.map((identity) => identityRow(identity, given))),
    h('button', { type: 'button', class: 'plain small', onclick: () => addIdentity(given) }, icon('plus'), say('Add an address'))];
}

function identityRow(identity, given) {
  const [name, kind] = KINDS[identity.kind] ?? ['dot', identity.kind];
  const [proof, look] = PROOFS[identity.proof] ?? [identity.proof, ''];
  return h('li', {}, icon(name, say(kind)),
    h('div', { class: 'grow' }, h('bdi', { class: 'address', title: identity.address }, showAddress(identity.address)),
      h('p', { class: 'row wrap' }, h('span', { class: `chip ${look}` }, look && icon('check'), say(proof)), identity.consents.map((consent) => consentChip(consent, given)))),
    iconButton('more', say('More about {address}', { address: showAddress(identity.address) }), (event) => openMenu(/** @type {HTMLElement} */ (event.currentTarget), menuOf(identity, given)), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' }));
}

function consentChip({ purpose, state, channel_id: channel, source, created_at: at }, { store }) {
  const where = channel && (store.get('channels')?.find((one) => one.id === channel)?.name ?? channel);
  const words = say(state === 'revoked' ? 'Opted out of {purpose}' : 'Allowed {purpose}', { purpose });
  return h('span', { class: `chip ${state === 'revoked' ? 'bad' : 'ok'}`, title: [where, source, showWhole(at)].filter(Boolean).join(' · ') }, icon(state === 'revoked' ? 'stop' : 'check'), words);
}

function menuOf(identity, { contact, api, reload, commands }) {
  const run = (work) => async () => { await work().then(reload, toastProblem); };
  const consent = (state) => run(() => api.put(`/contacts/${contact.id}/identities/${identity.id}/consents/${SUPPORT}`, { state, proof: { by: 'console' } }));
  const out = identity.consents.some((one) => one.state === 'revoked' && one.purpose === SUPPORT);
  return [
    identity.kind !== 'visitor' && commands.can('new-conversation') && { label: say('Write to it'), icon: 'edit', run: () => commands.run('new-conversation', { to: identity.address, contact_id: contact.id }) },
    { label: say('Copy'), icon: 'copy', run: () => void navigator.clipboard.writeText(identity.address) },
    out ? { label: say('They allowed it again'), icon: 'check', run: consent('granted') } : { label: say('They opted out'), icon: 'stop', run: consent('revoked') },
    { label: say('Remove'), icon: 'trash', danger: true, run: run(() => api.del(`/contacts/${contact.id}/identities/${identity.id}`)) },
  ];
}

function addIdentity({ contact, api, reload }) {
  const kind = h('select', { name: 'kind' }, ['email', 'phone', 'whatsapp'].map((value) => h('option', { value }, say(KINDS[value][1]))));
  const address = h('input', { name: 'address', required: true, autocomplete: 'off', spellcheck: false });
  openForm({ title: say('Add an address'), submit: say('Add') }, [field(say('Kind'), kind), field(say('Address'), address)], async (values) => {
    await api.post(`/contacts/${contact.id}/identities`, values);
    await reload();
  });
}
