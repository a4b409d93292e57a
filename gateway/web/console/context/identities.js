/** Where a person can be reached: each address, what proves it is theirs, and what they allowed. */
import { button, h, icon } from '../dom.js';
import { field, openForm } from '../dialog.js';
import { showAddress, showWhole } from '../format.js';
import { t } from '../strings.js';
import { copyText, toastProblem } from '../toast.js';
import { menuButton } from '../timeline/menu.js';

/** @type {Record<string, [string, string]>} icon and words */
const IDENTITY_KINDS = { phone: ['phone', 'Phone'], email: ['email', 'E-mail'], whatsapp: ['whatsapp', 'WhatsApp'], visitor: ['webchat', 'Web chat'] };
/** @type {Record<string, [string, string]>} */
const PROOFS = { confirmed: ['Confirmed', 'ok'], provider: ['Vouched for by the provider', 'ok'], none: ['Not verified', ''] };
const SUPPORT = 'support';

/** @param {any} given */
export function identityList(given) {
  return [h('ul', { class: 'identities' }, given.contact.identities.map((identity) => identityRow(identity, given))),
    button(t('Add an address'), () => addIdentity(given), { icon: 'plus', class: 'plain small' })];
}

function identityRow(identity, given) {
  const [name, kind] = IDENTITY_KINDS[identity.kind] ?? ['dot', identity.kind];
  const [proof, look] = PROOFS[identity.proof] ?? [identity.proof, ''];
  const address = showAddress(identity.address);
  return h('li', {}, icon(name, t(kind)),
    h('div', { class: 'grow' }, h('bdi', { class: 'address', title: identity.address }, address),
      h('p', { class: 'row wrap' }, h('span', { class: `chip ${look}` }, look && icon('check'), t(proof)), identity.consents.map((consent) => consentChip(consent, given)))),
    menuButton('more', t('More about {address}', { address }), () => identityMenu(identity, given)));
}

function consentChip({ purpose, state, channel_id: channel, source, created_at: at }, { store }) {
  const out = state === 'revoked';
  const where = channel && (store.get('channels').find((one) => one.id === channel)?.name ?? channel);
  return h('span', { class: `chip ${out ? 'bad' : 'ok'}`, title: [where, source, showWhole(at)].filter(Boolean).join(' · ') }, icon(out ? 'stop' : 'check'),
    t(out ? 'Opted out of {purpose}' : 'Allowed {purpose}', { purpose }));
}

function identityMenu(identity, given) {
  const { contact, api, reload, commands } = given;
  const consent = (state) => () => api.put(`/contacts/${contact.id}/identities/${identity.id}/consents/${SUPPORT}`, { state, proof: { by: 'console' } }).then(reload, toastProblem);
  const out = identity.consents.some((one) => one.state === 'revoked' && one.purpose === SUPPORT);
  return [
    identity.kind !== 'visitor' && commands.can('new-conversation') && { label: t('Write to it'), icon: 'edit', run: () => commands.run('new-conversation', { to: identity.address, contact_id: contact.id }) },
    { label: t('Copy'), icon: 'copy', run: () => copyText(identity.address) },
    out ? { label: t('They allowed it again'), icon: 'check', run: consent('granted') } : { label: t('They opted out'), icon: 'stop', run: consent('revoked') },
    { label: t('Remove…'), icon: 'trash', danger: true, run: () => removeIdentity(identity, given) },
  ];
}

function removeIdentity({ id, address }, { contact, api, reload }) {
  const words = t('Who writes from {address} next is somebody new.', { address: showAddress(address) });
  openForm({ title: t('Remove this address?'), submit: t('Remove'), danger: true }, [h('p', {}, words)], async () => {
    await api.del(`/contacts/${contact.id}/identities/${id}`);
    await reload();
  });
}

function addIdentity({ contact, api, reload }) {
  const kind = h('select', { name: 'kind' }, ['email', 'phone', 'whatsapp'].map((value) => h('option', { value }, t(IDENTITY_KINDS[value][1]))));
  const address = h('input', { name: 'address', required: true, autocomplete: 'off', spellcheck: false });
  openForm({ title: t('Add an address'), submit: t('Add') }, [field(t('Kind'), kind), field(t('Address'), address)], async (values) => {
    await api.post(`/contacts/${contact.id}/identities`, values);
    await reload();
  });
}
