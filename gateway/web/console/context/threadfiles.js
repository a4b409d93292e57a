/** The files of the thread, as far as it is loaded. */
import { h } from '../dom.js';
import { fileCard } from '../timeline/parts.js';

const FILES_SHOWN = 12;

/** @param {any} given @returns {any[]} the latest first */
export function filesOf({ store, conversationId }) {
  return store.entries(conversationId).items.flatMap((entry) => (entry.parts ?? []).filter((part) => part.attachment).map((part) => ({ ...part, entry }))).reverse();
}

/** @param {any[]} files @param {any} given */
export function threadFiles(files, { bus }) {
  const card = ({ type, attachment, entry }) => (type === 'image' && attachment.url && attachment.state === 'stored'
    ? h('button', { type: 'button', class: 'thumb', onclick: () => bus.emit('show-entry', entry.id) }, h('img', { src: attachment.url, alt: attachment.name ?? '', loading: 'lazy' }))
    : fileCard(attachment));
  return h('div', { class: 'thread-files' }, files.slice(0, FILES_SHOWN).map(card));
}
