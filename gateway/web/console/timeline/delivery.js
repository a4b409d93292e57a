/** How far a message got: one small sign, words for those who cannot see it, and what to do where it failed. */
import { button, h, icon } from '../dom.js';
import { t } from '../strings.js';

/** @type {Record<string, [string, string, string?]>} icon, words, kind */
const STATES = {
  local: ['clock', 'Sending…'],
  scheduled: ['clock', 'Leaves in a moment'],
  queued: ['clock', 'Waiting to be sent'],
  sending: ['clock', 'Sending…'],
  unknown: ['help', 'It is not known whether it arrived', 'warn'],
  sent: ['check', 'Sent'],
  delivered: ['checks', 'Delivered'],
  read: ['checks', 'Read', 'read'],
  failed: ['alert', 'Not sent', 'bad'],
  undelivered: ['alert', 'Not delivered', 'bad'],
  expired: ['alert', 'Given up: it was not taken in time', 'bad'],
  canceled: ['stop', 'Not sent: taken back'],
};

/** From here a person may ask for another try. */
const RETRYABLE = new Set(['failed', 'undelivered', 'expired', 'unknown']);

/** @param {any} entry @returns {any} */
export function deliveryTick({ direction, delivery }) {
  const [name, words, kind] = STATES[delivery?.state] ?? [];
  return name && direction === 'outbound' && h('span', { class: `tick ${kind ?? ''}`, title: t(words) }, icon(name, t(words)));
}

/** What went wrong, what helps, and another try. @param {any} entry @param {() => void} onRetry */
export function deliveryProblem({ delivery }, onRetry) {
  const { state, error } = delivery ?? {};
  if (!RETRYABLE.has(state)) return null;
  const said = [error?.message, error?.fix].filter(Boolean).map(sentence).join(' ');
  return problemBox(t(STATES[state][1]), said, button(t('Retry'), onRetry, { icon: 'retry' }), { class: state === 'unknown' ? 'warn' : 'bad' });
}

/** @param {string} what @param {string} why @param {any} ways out @param {Record<string, any>} look */
export function problemBox(what, why, ways, { class: kind, ...more }) {
  return h('div', { class: `problem ${kind}`, ...more }, icon('alert'), h('p', { class: 'grow' }, h('strong', {}, sentence(what)), ' ', why), ways);
}

/** With a capital and a full stop. @param {string} text */
function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}
