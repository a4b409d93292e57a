/** What else was talked about with this person. */
import { h } from '../dom.js';
import { showMoment } from '../format.js';
import { t } from '../strings.js';
import { channelMark } from '../timeline/message.js';

/** @param {any} given @param {any[]} found */
export function conversationLists({ router }, found) {
  if (!found.length) return h('p', { class: 'faint small' }, t('This is the only one.'));
  const open = (one) => (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); router.open(one.id); } };
  return h('ul', { class: 'past' }, found.map((one) => h('li', {}, h('a', { href: `/console/c/${one.id}`, onclick: open(one) },
    h('span', { class: 'row' }, h('bdi', { class: 'grow clip strong' }, one.subject ?? `#${one.number}`), h('time', { class: 'faint small', dateTime: one.updated_at }, showMoment(one.updated_at))),
    h('span', { class: 'clip small quiet', dir: 'auto' }, one.preview || t('Nothing has been said yet.')),
    h('span', { class: 'row small' }, one.channels.map((type) => channelMark({ type })), h('span', { class: 'faint' }, t(one.status)))))));
}
