/** The files of the thread, as far as it is loaded. */
import { h } from '../dom.js';
import { fileCard } from '../timeline/parts.js';
import { section } from './section.js';

const SHOWN = 12;

/** @param {any} given */
export function threadFiles({ store, conversationId, bus }) {
  const files = store.entries(conversationId).items.flatMap((entry) => (entry.parts ?? []).filter((part) => part.attachment).map((part) => ({ ...part, entry })));
  if (!files.length) return null;
  const card = ({ type, attachment, entry }) => (type === 'image' && attachment.url && attachment.state === 'stored'
    ? h('button', { type: 'button', class: 'thumb', onclick: () => bus.emit('show-entry', entry.id) }, h('img', { src: attachment.url, alt: attachment.name ?? '', loading: 'lazy' }))
    : fileCard(attachment));
  return section('conversation.files', 'Files', h('div', { class: 'thread-files' }, files.slice(-SHOWN).reverse().map(card)), files.length);
}
