/** Writing to somebody first: to a contact, or to an address. */
import { field, openForm } from '../dialog.js';
import { h, mount, uid } from '../dom.js';
import { nameOf } from '../format.js';
import { t } from '../strings.js';

const ADDRESS_SETTLE_MS = 200;
const SUGGESTED = 8;
/** Media one can begin on with an address; a call and a chat are begun by the customer. */
const BY_ADDRESS = new Set(['email', 'sms', 'whatsapp']);

/** @param {any} app @param {{to?: string, contact_id?: string}} [given] */
export function writeFirst(app, given = {}) {
  const { api, store, router, bus } = app;
  const people = h('datalist', { id: uid('people') });
  const to = h('input', { name: 'to', required: true, list: people.id, autocomplete: 'off', placeholder: t('Name, e-mail address or phone number'), value: given.to ?? '' });
  const channels = store.get('channels').filter((one) => one.status === 'active' && BY_ADDRESS.has(one.medium));
  const channel = h('select', { name: 'channel' }, h('option', { value: '' }, t('The one that fits')),
    channels.map((one) => h('option', { value: one.id }, `${t(`medium_${one.medium}`)} · ${one.name}`)));
  const subject = h('input', { name: 'subject', maxLength: 200 });
  const text = h('textarea', { name: 'text', required: true, rows: 5, dir: 'auto' });
  const subjectField = field(t('Subject'), subject);
  const known = suggestPeople(api, to, people);
  const show = () => { subjectField.hidden = !usesMail(to.value, channel.value, channels); };
  for (const control of [to, channel]) control.addEventListener('input', show);
  show();
  const fields = [field(t('To'), to, t('A phone number with its country, such as +34 600 111 222.')), people, field(t('Channel'), channel), subjectField, field(t('Message'), text)];
  openForm({ title: t('New conversation'), wide: true, submit: t('Send') }, fields, async (values) => {
    if (!values.to.trim() || !values.text.trim()) throw new Error(t('Say to whom, and what.'));
    const contact = given.contact_id ?? known.get(values.to.trim());
    const entry = await api.post('/messages', bodyOf(values, { contact, channels, mail: !subjectField.hidden }));
    router.open(entry.conversation_id);
    bus.emit('pane', 'thread');
  });
}

function bodyOf(values, { contact, channels, mail }) {
  const address = values.to.trim();
  const one = channels.find((channel) => channel.id === values.channel);
  return {
    text: values.text,
    ...(contact ? { contact_id: contact } : { to: address }),
    ...(one ? { channel_id: one.id, channel: one.medium } : {}),
    ...(mail && values.subject.trim() ? { subject: values.subject.trim() } : {}),
  };
}

function usesMail(to, channelId, channels) {
  const one = channels.find((channel) => channel.id === channelId);
  return one ? one.medium === 'email' : to.includes('@');
}

/** Contacts whose names begin so, offered by name and address; the map leads back to their ids. */
function suggestPeople(api, input, list) {
  const known = new Map();
  let timer = 0;
  const look = async () => {
    const name = input.value.trim();
    if (name.length < 2 || known.has(name)) return;
    const page = await api.get('/contacts', { name, limit: SUGGESTED }).catch(() => ({ data: [] }));
    const labels = page.data.map((contact) => [labelOf(contact), contact.id]);
    for (const [label, id] of labels) known.set(label, id);
    mount(list, labels.map(([label]) => h('option', { value: label })));
  };
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(look, ADDRESS_SETTLE_MS); });
  return known;
}

function labelOf(contact) {
  const address = contact.identities?.[0]?.address;
  return address && address !== nameOf(contact) ? `${nameOf(contact)} <${address}>` : nameOf(contact);
}
