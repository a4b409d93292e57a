/** One message, note or call of the timeline: who, when, by which channel, the words, and how far it got. */
import { button, h, icon, iconButton } from '../dom.js';
import { sentences, showAddress, showClock, showWhole } from '../format.js';
import { t } from '../strings.js';
import { callCard } from './call.js';
import { deliveryProblem, deliveryTick, problemBox } from './delivery.js';
import { HAS_MENU } from './menu.js';
import { entryParts } from './parts.js';

export const MEDIA = { sms: 'SMS', voice: 'Phone', email: 'E-mail', whatsapp: 'WhatsApp', webchat: 'Web chat' };

/**
 * @param {any} row of `buildRows`, kind `entry`
 * @param {any} context what the row is drawn with: `mark`, `act`, `channelName`, `find`, `subject`
 */
export function messageRow({ entry, head, tail, hop }, context) {
  const side = entry.type === 'note' ? 'note' : entry.direction === 'inbound' ? 'in' : 'out';
  return h('article', { class: `entry ${side} ${head ? 'head' : ''} ${entry.pending ? 'pending' : ''}`, id: entry.id ?? entry.key, 'aria-label': spoken(entry) },
    hop && h('p', { class: 'hop' }, channelMark(entry.channel), context.channelName(entry.channel.channel_id)),
    head && h('p', { class: 'who' }, authorMark(entry, context), addressees(entry)),
    h('div', { class: 'bubble-row' }, !context.bare && [bubble(entry, context), entry.id && more(entry, context)]),
    (tail || isTold(entry)) && footer(entry, context),
    entry.pending ? pendingProblem(entry, context) : deliveryProblem(entry, () => context.act('retry', entry)));
}

/**
 * Draw what stands around the words anew, and leave the words alone: somebody may be listening to them, or have their menu
 * open, and a mail's frame would load again.
 * @param {any} old @param {any} row @param {any} context
 */
export function refreshRow(old, row, context) {
  const fresh = messageRow(row, { ...context, bare: true });
  const kept = old.querySelector(':scope > .bubble-row');
  const parts = [...fresh.children];
  const at = parts.findIndex((part) => part.classList.contains('bubble-row'));
  for (const child of [...old.children]) if (child !== kept) child.remove();
  old.className = fresh.className;
  kept.before(...parts.slice(0, at));
  kept.after(...parts.slice(at + 1));
}

/** What decides how the words look; the rest of an entry is about how they fare. @param {any} entry */
export function wordsSign(entry) {
  return JSON.stringify([entry.parts, entry.text, entry.reactions, entry.edited_at, entry.redacted_at, entry.call, entry.state, entry.pending]);
}

/** @param {{type: string}} channel */
export function channelMark({ type }) {
  return h('span', { class: 'medium', data: { type } }, icon(type), MEDIA[type] ?? type);
}

function bubble(entry, context) {
  if (entry.redacted_at) return h('div', { class: 'bubble redacted' }, icon('trash'), t('Redacted'), h('time', { dateTime: entry.redacted_at }, showClock(entry.redacted_at)));
  if (entry.type === 'call') return h('div', { class: 'bubble' }, callCard(entry));
  return h('div', { class: 'bubble' }, subjectOf(entry, context), answered(entry, context), entryParts(entry, { mark: context.mark, onPicture: (part) => context.act('picture', entry, part) }), reactions(entry));
}

function spoken(entry) {
  const kind = entry.type === 'note' ? t('Note') : MEDIA[entry.channel?.type] ?? '';
  return [entry.author?.name ?? showAddress(entry.author?.address), kind, showWhole(entry.occurred_at)].filter(Boolean).join(', ');
}

function authorMark({ author, type, approved_by: approved }, { contact }) {
  const known = author.id && author.id === contact()?.id ? contact().name : null;
  const unsure = author.type === 'contact' && author.verified === false;
  return [
    type === 'note' && h('span', { class: 'internal' }, icon('lock'), t('Internal note')),
    h('bdi', { class: 'strong' }, author.name ?? known ?? showAddress(author.address) ?? t('Unknown')),
    author.type === 'bot' && h('span', { class: 'chip' }, icon('bot'), t('Bot')),
    unsure && author.address?.includes('@') && h('span', { class: 'faint', title: t('Nothing proves that this address wrote it') }, h('bdi', {}, author.address)),
    approved && approved.id !== author.id && h('span', { class: 'faint' }, t('approved by {name}', approved)),
  ];
}

/** Who else got a mail. */
function addressees({ recipients = [] }) {
  const others = recipients.filter((one) => one.role !== 'to');
  const all = recipients.map((one) => `${one.role}: ${one.address}`).join('\n');
  return others.length > 0 && h('span', { class: 'faint', title: all }, t('with {n} in copy', { n: others.length }));
}

/** The subject of a mail where it is not the one the conversation has, and what kind of mail it is where nobody wrote it. */
function subjectOf({ letter }, { subject }) {
  if (!letter) return null;
  const kind = letter.nature !== 'person' && letter.nature.replace('_', ' ');
  const shown = bareSubject(letter.subject) !== bareSubject(subject()) && letter.subject;
  return (shown || kind) && h('p', { class: 'subject' }, shown && h('bdi', {}, shown), kind && h('span', { class: 'chip' }, kind));
}

/** Without "Re:" and its like, in whatever language. Pure. @param {string | null | undefined} subject */
export function bareSubject(subject) {
  return (subject ?? '').replace(/^(?:\s*[\p{L}]{1,5}(?:\[\d+\])?\s?[:：])+\s*/u, '').trim().toLowerCase();
}

function answered(entry, { find }) {
  const quoted = entry.in_reply_to && entry.channel?.type !== 'email' && find(entry.in_reply_to);
  return quoted && h('a', { class: 'answered', href: `#${quoted.id}` }, h('bdi', {}, quoted.author.name ?? ''), h('span', { class: 'clip', dir: 'auto' }, quoted.text));
}

function reactions({ reactions: given = [] }) {
  const by = new Map();
  for (const one of given) by.set(one.emoji, [...(by.get(one.emoji) ?? []), one]);
  return given.length > 0 && h('p', { class: 'reactions' }, [...by].map(([emoji, all]) => h('span', { class: 'chip', title: all.map((one) => one.author?.name ?? '').join(', ') }, emoji, all.length > 1 && all.length)));
}

/** What has to be seen below a message that is not the last of its group. */
function isTold({ edited_at: edited, moved_from: moved, delivery, direction }) {
  return edited || moved || (direction === 'outbound' && !['sent', 'delivered', 'read'].includes(delivery?.state));
}

function footer(entry, context) {
  const { held_until: held, state } = entry.delivery ?? {};
  const undoable = state === 'scheduled' && held && entry.id;
  return h('p', { class: 'foot' }, h('time', { dateTime: entry.occurred_at, title: showWhole(entry.occurred_at) }, showClock(entry.occurred_at)),
    entry.edited_at && h('span', { title: showWhole(entry.edited_at) }, t('edited')),
    entry.moved_from && h('span', {}, t('moved here')),
    deliveryTick(entry),
    undoable && button(t('Undo'), () => context.act('undo', entry), { class: 'link' }));
}

function more(entry, context) {
  return iconButton('more', t('More about this message'), (event) => context.act('menu', entry, event.currentTarget), { ...HAS_MENU, class: 'icon-button more' });
}

/** Words that did not leave: they are kept until somebody decides. */
function pendingProblem(entry, context) {
  if (entry.state !== 'failed') return null;
  const way = (name, words, look) => button(words, () => context.act(name, entry), look);
  const ways = [way('resend', t('Try again'), { icon: 'retry' }), way('edit', t('Edit'), { class: 'plain' }), way('discard', t('Discard'), { class: 'plain' })];
  return problemBox(t('Not sent'), sentences(entry.problem?.detail, entry.problem?.hint), ways, { class: 'bad', role: 'alert' });
}
