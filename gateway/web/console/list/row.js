/** One row of the list. */
import { h, icon } from '../dom.js';
import { hueOf, initials, now, showMoment, showSpan, showWhole, waitLevel, whoIn } from '../format.js';
import { t } from '../strings.js';

/** @param {any} one a conversation @param {{query: string}} shown */
export function buildRow(one, { query }) {
  const name = whoIn(one);
  return [
    h('span', { class: 'mark' },
      h('span', { class: 'avatar', style: { '--hue': hueOf(one.contact.id) }, 'aria-hidden': 'true' }, initials(name)),
      h('span', { class: 'checkmark', 'aria-hidden': 'true' }, icon('check'))),
    h('span', { class: 'lines' },
      h('span', { class: 'row' }, h('span', { class: 'contact clip grow' }, h('bdi', null, name)), time(one)),
      h('span', { class: 'row' }, previewLine(one, query), unread(one)),
      h('span', { class: 'row about' }, channel(one), tags(one), h('span', { class: 'grow' }), statusChip(one), assignee(one))),
  ];
}

function time(one) {
  if (one.waiting_since && one.status === 'open') {
    const waited = now() - Date.parse(one.waiting_since);
    return h('span', { class: `wait number ${waitLevel(waited)}`, title: t('Waiting since {at}', { at: showWhole(one.waiting_since) }) },
      icon('clock'), h('span', { class: 'hush' }, t('waiting for')), showSpan(waited));
  }
  return h('time', { dir: 'auto', class: 'faint small number', dateTime: one.updated_at, title: showWhole(one.updated_at) }, showMoment(one.updated_at));
}

function previewLine(one, query) {
  const text = one.preview || t('No message yet');
  if (query && one.highlight) return h('span', { class: 'preview clip grow', dir: 'auto' }, marked(one.highlight));
  return h('span', { class: 'preview clip grow', dir: 'auto' }, one.subject && h('span', { class: 'strong' }, one.subject, ' '), text);
}

/** A snippet with the words that were found; places count characters, not units of UTF-16. @param {{snippet: string, matches: {offset: number, length: number}[]}} highlight */
export function marked({ snippet, matches }) {
  const chars = [...snippet];
  const cut = (from, to) => chars.slice(from, to).join('');
  const pieces = [];
  let at = 0;
  for (const { offset, length } of matches ?? []) {
    pieces.push(cut(at, offset), h('mark', null, cut(offset, offset + length)));
    at = offset + length;
  }
  return [...pieces, cut(at, chars.length)];
}

function unread(one) {
  const count = one.counts?.unread ?? 0;
  return count > 0 && h('span', { class: 'badge number' }, count > 99 ? '99+' : count, h('span', { class: 'hush' }, ` ${t('unread')}`));
}

function channel(one) {
  const medium = one.reply_route?.channel ?? one.channels?.at(-1) ?? 'message';
  return h('span', { class: 'by' }, icon(medium, t(`medium_${medium}`)));
}

const tags = (one) => (one.tags ?? []).slice(0, 3).map((tag) => h('span', { class: 'chip clip', dir: 'auto' }, tag));

function statusChip(one) {
  const urgent = one.priority?.level === 'urgent' || one.priority?.level === 'high';
  return [
    urgent && h('span', { class: `chip ${one.priority.level === 'urgent' ? 'bad' : 'warn'}` }, t(`priority_${one.priority.level}`)),
    one.status !== 'open' && h('span', { class: 'chip' }, one.status === 'snoozed' && icon('snooze'), t(`status_${one.status}`)),
  ];
}

function assignee(one) {
  if (!one.assignee) return one.status === 'open' && h('span', { class: 'nobody small' }, t('Unassigned'));
  const name = one.assignee.name ?? '';
  return h('span', { class: 'avatar tiny', style: { '--hue': hueOf(one.assignee.id) }, title: t('Assigned to {name}', { name }) },
    h('span', { 'aria-hidden': 'true' }, initials(name)), h('span', { class: 'hush' }, t('Assigned to {name}', { name })));
}
