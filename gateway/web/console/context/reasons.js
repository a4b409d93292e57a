/** Why it is as it is: priority, who got it, the measured signals, how a mail found its way, how it was rated. */
import { h, icon } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { eventSentence } from '../timeline/event.js';
import { MEDIA } from '../timeline/message.js';

const REASONS_SHOWN = 4;

/** @param {any} given */
export function decisionList({ conversation, store, conversationId }) {
  const entries = store.entries(conversationId).items;
  const { priority, reply_route: route, sla, csat } = conversation;
  const match = entries.findLast((entry) => entry.letter?.match)?.letter.match;
  return h('dl', { class: 'reasons' },
    priority && because('flag', t('Priority'), [t(`priority_${priority.level}`), ' ', h('span', { class: 'faint number' }, priority.score)], [...priority.because, priority.pinned && t('pinned by hand')]),
    route && because('reply', t('Answer by'), h('bdi', {}, MEDIA[route.channel] ?? route.channel ?? t('nothing')), [route.reason, route.until && t('until {at}', { at: showWhole(route.until) })]),
    sla?.next_due_at && because('clock', t('Promised'), showWhole(sla.next_due_at), [sla.policy]),
    match && because('email', t('Came here by'), match.by.replaceAll('_', ' '), [match.because]),
    csat && because('star', t('Rated'), csat.rating ? `${csat.rating} / 5` : t('asked, not answered yet'), []),
    signalRows(conversation, entries),
    entries.filter((entry) => entry.event?.reason).slice(-REASONS_SHOWN).reverse().map(({ occurred_at: at, event }) => because('info', showWhole(at), h('bdi', {}, eventSentence(event)), [event.reason])));
}

function because(name, title, value, reasons) {
  const told = reasons.filter(Boolean);
  return h('div', {}, h('dt', {}, icon(name), title), h('dd', {}, value, told.length > 0 && h('ul', {}, told.map((one) => h('li', {}, one)))));
}

/** The signals as the API has them: of the conversation as numbers, of its last message with their bands. */
function signalRows({ signals = {} }, entries) {
  const last = entries.findLast((entry) => entry.signals?.length)?.signals ?? [];
  const all = [...Object.entries(signals).map(([kind, score]) => ({ kind, score })), ...last.filter((one) => !(one.kind in signals))];
  return all.map(({ kind, score, value, band }) => h('div', {}, h('dt', {}, icon('signal'), kind.replaceAll('_', ' ')),
    h('dd', { class: 'row' }, value ?? h('meter', { min: 0, max: 1, high: 0.7, value: score, 'aria-label': kind }), h('span', { class: 'faint number' }, band ?? Math.round(score * 100) / 100))));
}
