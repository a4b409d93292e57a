/** Beside the conversation: who they are, how they can be reached, why things were decided so, what else there is. */
import { h, icon } from '../dom.js';
import { hueOf, initials, nameOf } from '../format.js';
import { t } from '../strings.js';
import { createDrawing } from '../timeline/drawing.js';
import { attributeFields } from './attributes.js';
import { conversationLists } from './conversations.js';
import { duplicateCards } from './duplicates.js';
import { identityList } from './identities.js';
import { nameField, personActions } from './person.js';
import { decisionList } from './reasons.js';
import { section } from './section.js';
import { filesOf, threadFiles } from './threadfiles.js';

/** @param {HTMLElement} el @param {any} app with `conversationId` @returns {{focus(): void, destroy(): void}} */
export function mountContext(el, app) {
  const { store, bus, conversationId } = app;
  const it = { app, /** @type {any} */ contact: null, more: { duplicates: [], conversations: [], attributes: [] }, of: '' };
  const { draw, destroy } = createDrawing(el, () => contextParts(it, load));
  const load = () => loadContact(it).then(draw);
  const changed = () => { if (contactOf(it) !== it.of) void load(); else draw(); };
  const hear = (event) => { if (/^(contact|company)\./.test(event.type) && [it.of, null].includes(event.data?.contact_id ?? null)) void load(); };
  const ends = [store.subscribe(`conversation:${conversationId}`, changed), store.subscribe(`entries:${conversationId}`, draw), store.subscribe('me', draw), bus.on('event', hear), destroy];
  void load();
  return {
    focus: () => /** @type {HTMLElement | null} */ (el.querySelector('button, a, summary'))?.focus(),
    destroy: () => ends.forEach((end) => end()),
  };
}

const contactOf = ({ app: { store, conversationId } }) => store.conversation(conversationId)?.contact?.id ?? '';

async function loadContact(it) {
  const { api, conversationId } = it.app;
  const id = it.of = contactOf(it);
  if (!id) return;
  const list = (path, params) => api.get(path, params).then(({ data }) => data, () => []);
  const [contact, duplicates, conversations, attributes] = await Promise.all([
    api.get(`/contacts/${id}`).catch(() => null), list(`/contacts/${id}/duplicates`, { limit: 3 }),
    list('/conversations', { contact: id, sort: '-updated_at', limit: 8 }), list('/attributes', { applies_to: 'contact', limit: 100 }),
  ]);
  if (it.of === id) Object.assign(it, { contact, more: { duplicates, conversations: conversations.filter((one) => one.id !== conversationId), attributes } });
}

function contextParts({ contact, app, more }, reload) {
  const conversation = app.store.conversation(app.conversationId);
  if (!conversation) return null;
  const given = { ...app, contact, conversation, reload };
  /** @type {(title: string, content: any, count?: number) => any} */
  const part = (title, content, count) => section(app.prefs, title, content, count);
  const files = filesOf(given);
  return [person(given), contact && [
    duplicateCards(given, more.duplicates),
    part('Reached by', identityList(given)),
    part('Details', attributeFields(given, more.attributes)),
    part('Why it is so', decisionList(given)),
    part('Other conversations', conversationLists(given, more.conversations), more.conversations.length),
    files.length > 0 && part('Files', threadFiles(files, given), files.length),
    part('More', personActions(given)),
  ]];
}

function person(given) {
  const { contact, conversation } = given;
  const name = contact?.name ?? conversation.contact?.name;
  return h('div', { class: 'person' },
    h('span', { class: 'avatar large', style: { '--hue': String(hueOf(conversation.contact?.id ?? '')) }, 'aria-hidden': 'true' }, initials(name ?? nameOf(contact))),
    h('h2', {}, contact ? nameField(given) : name ?? t('Unknown')),
    contact?.company && h('p', { class: 'row small quiet' }, icon('building'), h('bdi', {}, contact.company.name)),
    contact?.language && h('p', { class: 'small faint' }, languageName(contact.language)),
    contact?.blocked_at && h('p', { class: 'chip bad' }, icon('stop'), t('Blocked')));
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
