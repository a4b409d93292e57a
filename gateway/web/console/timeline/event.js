/** What changed, in one quiet line; several in a row are folded into one that opens. */
import { h, icon } from '../dom.js';
import { showClock } from '../format.js';
import { t, tCount } from '../strings.js';

/** @type {Record<string, [string, string]>} of what happens: icon and sentence, others are said by their names; `{to}` and `{from}` are said by `participant` */
const SENTENCES = {
  opened: ['inbox', 'opened the conversation'],
  assigned: ['user', 'assigned it to {to}'],
  unassigned: ['user', 'took it from {from}'],
  handed_off: ['bot', 'handed it over to {to}'],
  status_changed: ['archive', 'set it to {to}'],
  snoozed: ['snooze', 'snoozed it'],
  woke: ['bell', 'woke it'],
  reopened: ['inbox', 'reopened it'],
  priority_changed: ['flag', 'set the priority to {to}'],
  tagged: ['tag', 'added the tag {to}'],
  untagged: ['tag', 'removed the tag {from}'],
  participant_joined: ['users', 'added a participant'],
  participant_left: ['users', 'removed a participant'],
  contact_merged: ['merge', 'merged two contacts'],
  contact_unmerged: ['merge', 'took two contacts apart again'],
  conversation_merged: ['merge', 'merged a conversation into this one'],
  conversation_split: ['merge', 'split a conversation off'],
  subject_changed: ['edit', 'changed the subject to “{to}”'],
  attribute_changed: ['edit', 'changed the details'],
  message_redacted: ['trash', 'redacted a message'],
  consent_changed: ['shield', 'changed the consent to {to}'],
  'consent_changed:revoked': ['shield', 'opted out'],
  'consent_changed:granted': ['shield', 'opted in'],
  'status_changed:closed': ['check', 'closed it'],
  'status_changed:open': ['inbox', 'opened it'],
  csat_requested: ['star', 'asked how it went'],
  csat_received: ['star', 'rated the conversation {to}'],
  ended: ['archive', 'ended the chat'],
};
/** @type {Record<string, string>} */
const NAMELESS = { system: 'Switchboard', contact: 'The contact', bot: 'The bot' };
const UNKNOWN = ['info', '{name}'];

/** @param {any[]} entries */
export function eventRow(entries) {
  if (entries.length === 1) return h('div', { class: 'event' }, changeLine(entries[0]));
  const names = [...new Set(entries.map((entry) => actorName(entry.event)))];
  return h('details', { class: 'event' },
    h('summary', {}, icon('chevron'), tCount(entries.length, '{n} change', '{n} changes'), h('span', { class: 'faint' }, names.join(', '))),
    h('ul', {}, entries.map((entry) => h('li', {}, changeLine(entry)))));
}

/** @param {any} event @returns {string} */
export function eventSentence(event) {
  const { name, from, to, actor } = event;
  const took = name === 'assigned' && to?.id === actor?.id;
  return `${actorName(event)} ${t(took ? 'took it' : kindOf(event)[1], { name: name.replaceAll('_', ' '), from: participant(from), to: participant(to) })}`;
}

function kindOf({ name, to }) {
  return SENTENCES[`${name}:${to}`] ?? SENTENCES[name] ?? UNKNOWN;
}

function changeLine({ id, event, occurred_at: at }) {
  const reason = event.reason && [': ', h('span', { class: 'reason' }, event.reason)];
  return h('p', { class: 'line', id }, icon(kindOf(event)[0]), h('span', {}, h('bdi', {}, eventSentence(event)), reason), h('time', { dateTime: at }, showClock(at)));
}

function actorName({ actor }) {
  return actor?.name ?? t(NAMELESS[actor?.type] ?? 'Somebody');
}

function participant(value) {
  if (typeof (value ?? null) !== 'object') return String(value);
  return value?.name ?? value?.id ?? '–';
}
