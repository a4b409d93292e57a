/** What changed, in one quiet line; several in a row are folded into one that opens. */
import { h, icon } from '../dom.js';
import { showClock } from '../format.js';
import { say, sayCount } from './words.js';

/** @type {Record<string, [string, string]>} icon and sentence; `{to}` and `{from}` are said by `nameOf` */
const SENTENCES = {
  opened: ['inbox', 'opened the conversation'],
  assigned: ['user', 'assigned it to {to}'],
  unassigned: ['user', 'took it from {from}'],
  team_changed: ['users', 'gave it to {to}'],
  handed_off: ['bot', 'handed it over to {to}'],
  escalated: ['signal', 'moved it to {to}'],
  deescalated: ['signal', 'moved it back to {to}'],
  status_changed: ['archive', 'set it to {to}'],
  snoozed: ['snooze', 'snoozed it'],
  woke: ['bell', 'woke it'],
  reopened: ['inbox', 'reopened it'],
  priority_changed: ['flag', 'set the priority to {to}'],
  tagged: ['tag', 'added the tag {to}'],
  untagged: ['tag', 'removed the tag {from}'],
  participant_joined: ['users', 'added a participant'],
  participant_left: ['users', 'removed a participant'],
  channel_switched: ['reply', 'switched to {to}'],
  contact_identified: ['shield', 'identified the contact'],
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
  sla_breached: ['alert', 'missed the promised time'],
  call_ringing: ['voice', 'is calling'],
  call_ended: ['voice', 'ended the call'],
  ended: ['archive', 'ended the chat'],
};
/** @type {Record<string, string>} */
const NAMELESS = { system: 'Switchboard', contact: 'The contact', bot: 'The bot' };
const UNKNOWN = ['info', '{name}'];

/** @param {any[]} entries @param {{people: Map<string, string>, onToggle?: () => void}} context */
export function eventRow(entries, { people, onToggle }) {
  if (entries.length === 1) return h('div', { class: 'event' }, eventLine(entries[0], people));
  const names = [...new Set(entries.map((entry) => actorName(entry.event)))];
  return h('details', { class: 'event', ontoggle: onToggle },
    h('summary', {}, icon('chevron'), sayCount(entries.length, '{n} change', '{n} changes'), h('span', { class: 'faint' }, names.join(', '))),
    h('ul', {}, entries.map((entry) => h('li', {}, eventLine(entry, people)))));
}

/** @param {any} event @param {Map<string, string>} people names by id @returns {string} */
export function eventSentence(event, people) {
  const took = event.name === 'assigned' && (event.to?.id ?? event.to) === event.actor?.id;
  const sentence = took ? 'took it' : kindOf(event)[1];
  const values = { name: event.name.replaceAll('_', ' '), from: nameOf(event.from, people), to: nameOf(event.to ?? event.facts?.rating, people) };
  return `${actorName(event)} ${say(sentence, values)}`;
}

function kindOf({ name, to }) {
  return SENTENCES[`${name}:${to}`] ?? SENTENCES[name] ?? UNKNOWN;
}

function eventLine(entry, people) {
  const { event } = entry;
  const reason = event.reason && h('span', { class: 'reason' }, event.reason);
  const time = h('time', { dateTime: entry.occurred_at }, showClock(entry.occurred_at));
  return h('p', { class: 'line', id: entry.id }, icon(kindOf(event)[0]),
    h('span', {}, h('bdi', {}, eventSentence(event, people)), reason && ': ', reason), time);
}

function actorName({ actor }) {
  return actor?.name ?? say(NAMELESS[actor?.type] ?? 'Somebody');
}

function nameOf(value, people) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'object') return value.name ?? value.id ?? Object.values(value).filter((one) => typeof one === 'string').join(', ');
  return people.get(value) ?? String(value);
}
