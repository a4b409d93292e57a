/** How far a message got: one small sign, words for those who cannot see it, and what to do where it failed. */
import { h, icon } from '../dom.js';
import { say } from './words.js';

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

/** @type {Set<string>} from here a person may ask for another try */
const RETRYABLE = new Set(['failed', 'undelivered', 'expired', 'unknown']);

/** @param {any} entry @returns {any} */
export function deliveryTick(entry) {
  const state = entry.delivery?.state;
  const [name, words, kind] = STATES[state] ?? [];
  if (!name || entry.direction !== 'outbound') return null;
  return h('span', { class: `tick ${kind ?? ''}`, title: say(words), data: { state } }, icon(name, say(words)));
}

/** What went wrong, what helps, and another try. @param {any} entry @param {() => void} onRetry */
export function deliveryProblem(entry, onRetry) {
  const { state, error } = entry.delivery ?? {};
  if (!RETRYABLE.has(state)) return null;
  const said = [error?.message, error?.fix].filter(Boolean).map(sentence).join(' ');
  return h('div', { class: `problem ${state === 'unknown' ? 'warn' : 'bad'}` }, icon('alert'),
    h('p', { class: 'grow' }, h('strong', {}, `${say(STATES[state][1])}.`), ' ', said),
    h('button', { type: 'button', onclick: onRetry }, icon('retry'), say('Retry')));
}

/** With a capital and a full stop. @param {string} text */
function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}
