/** Beside the conversation: who they are, how they can be reached, why things were decided so, what else there is. */
import { h, icon, mount } from '../dom.js';
import { hueOf, initials, nameOf } from '../format.js';
import { say } from '../timeline/words.js';
import { attributeFields } from './attributes.js';
import { conversationLists } from './conversations.js';
import { duplicateCards } from './duplicates.js';
import { identityList } from './identities.js';
import { personActions, renameForm } from './person.js';
import { decisionList } from './reasons.js';
import { section } from './section.js';
import { threadFiles } from './threadfiles.js';

const SETTLE_MS = 150;

/** @param {HTMLElement} el @param {any} app with `conversationId` @returns {{focus(): void, destroy(): void}} */
export function mountContext(el, app) {
  const it = { el, app, /** @type {any} */ contact: null, more: { duplicates: [], conversations: [], attributes: [] }, of: '', stale: false };
  const redraw = () => draw(it);
  const settle = () => setTimeout(() => { if (it.stale) draw(it); }, SETTLE_MS);
  el.addEventListener('focusout', settle);
  const changed = () => { if (contactOf(it) !== it.of) void load(it); else redraw(); };
  const { store, bus, conversationId } = app;
  const ends = [store.subscribe(`conversation:${conversationId}`, changed), store.subscribe(`entries:${conversationId}`, redraw), store.subscribe('me', redraw),
    bus.on('event', (event) => { if (/^(contact|company)\./.test(event.type) && [it.of, null].includes(event.data?.contact_id ?? null)) void load(it); })];
  void load(it);
  return { focus: () => /** @type {HTMLElement | null} */ (el.querySelector('button, a, summary'))?.focus(), destroy: () => [...ends, () => el.removeEventListener('focusout', settle)].forEach((end) => end()) };
}

const contactOf = ({ app: { store, conversationId } }) => store.conversation(conversationId)?.contact?.id ?? '';

async function load(it) {
  const { api, conversationId } = it.app;
  const id = it.of = contactOf(it);
  if (!id) return;
  const list = async (path, params) => (await api.get(path, params).catch(() => null))?.data ?? [];
  const contact = await api.get(`/contacts/${id}`).catch(() => null);
  const [duplicates, conversations, attributes] = await Promise.all([list(`/contacts/${id}/duplicates`, { limit: 3 }), list('/conversations', { contact: id, sort: '-updated_at', limit: 8 }), list('/attributes', { applies_to: 'contact', limit: 100 })]);
  if (it.of !== id) return;
  it.contact = contact;
  it.more = { duplicates, conversations: conversations.filter((one) => one.id !== conversationId), attributes };
  draw(it);
}

function draw(it) {
  const { contact, app, more } = it;
  const conversation = app.store.conversation(app.conversationId);
  it.stale = isEdited(it.el);
  if (!conversation || it.stale) return;
  const given = { ...app, contact, conversation, reload: () => load(it) };
  mount(it.el, person(given), contact && [
    duplicateCards(given, more.duplicates),
    section('contact.identities', 'Reached by', identityList(given)),
    section('contact.details', 'Details', attributeFields(given, more.attributes)),
    section('conversation.why', 'Why it is so', decisionList(given)),
    section('contact.conversations', 'Other conversations', conversationLists(given, more.conversations), more.conversations.length),
    threadFiles(given),
    section('contact.more', 'More', personActions(given)),
  ]);
}

/** Nothing is drawn anew under somebody's hands. */
function isEdited(el) {
  return Boolean(el.querySelector('form, .menu, :is(input, select):focus'));
}

function person(given) {
  const { contact, conversation } = given;
  const name = contact?.name ?? conversation.contact?.name;
  const company = contact?.company && h('p', { class: 'row small quiet' }, icon('building'), h('bdi', {}, contact.company.name));
  return h('div', { class: 'person' },
    h('span', { class: 'avatar large', style: { '--hue': String(hueOf(conversation.contact?.id ?? '')) }, 'aria-hidden': 'true' }, initials(name ?? nameOf(contact))),
    contact ? renameForm(given) : h('h2', {}, name ?? say('Unknown')), company,
    contact?.language && h('p', { class: 'small faint' }, languageName(contact.language)),
    contact?.blocked_at && h('p', { class: 'chip bad' }, icon('stop'), say('Blocked')));
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
