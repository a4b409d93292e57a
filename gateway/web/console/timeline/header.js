/** Whose conversation it is, what it is about, who has it, and what can be done with it as a whole. */
import { h, icon, iconButton, mount } from '../dom.js';
import { showWhole, whoIn } from '../format.js';
import { toastProblem } from '../toast.js';
import { openMenu } from './menu.js';
import { channelMark } from './message.js';
import { say } from './words.js';

/** @type {Record<string, [string, string]>} words and kind */
const STATUS = { open: ['Open', 'accent'], pending: ['Waiting for them', ''], snoozed: ['Snoozed', 'warn'], closed: ['Closed', 'ok'] };

/** @param {HTMLElement} el @param {any} app @returns {{destroy(): void}} */
export function mountHeader(el, app) {
  const { conversationId: id, store, api } = app;
  const state = { participants: /** @type {any[]} */ ([]), renaming: false, seq: -1 };

  function draw() {
    const conversation = store.conversation(id);
    if (!conversation || state.renaming) return;
    mount(el, firstLine(conversation, app), secondLine(conversation));
  }

  const secondLine = (conversation) => h('div', { class: 'thread-facts' },
    subject(conversation), (conversation.channels ?? []).map((type) => channelMark({ type })), others(state.participants),
    (conversation.tags ?? []).map((tag) => tagChip(tag, app)),
    iconButton('tag', say('Add a tag'), () => app.commands.run('tag'), { class: 'icon-button small-button' }));

  const subject = (conversation) => h('button', { type: 'button', class: 'subject-button', title: say('Change the subject'), onclick: rename },
    h('bdi', { class: conversation.subject ? 'clip' : 'clip faint' }, conversation.subject || say('No subject')), icon('edit'));

  function rename() {
    const conversation = store.conversation(id);
    const input = h('input', { type: 'text', value: conversation.subject ?? '', maxLength: 500, 'aria-label': say('Subject'), dir: 'auto' });
    const done = async (keep) => {
      if (!state.renaming) return;
      state.renaming = false;
      const value = input.value.trim();
      draw();
      /** @type {HTMLElement | null} */ (el.querySelector('.subject-button'))?.focus();
      if (!keep || value === (conversation.subject ?? '')) return;
      await api.patch(`/conversations/${id}`, { subject: value || null }).then(store.putConversation, toastProblem);
    };
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); void done(event.key === 'Enter'); }
    });
    input.addEventListener('blur', () => void done(true));
    state.renaming = true;
    el.querySelector('.subject-button')?.replaceWith(input);
    input.focus();
    input.select();
  }

  async function loadParticipants() {
    const page = await api.get(`/conversations/${id}/participants`).catch(() => null);
    state.participants = page?.data ?? [];
    draw();
  }

  /** The contact's own events name no conversation. */
  function hear(event) {
    if (event.conversation_id === id && event.changed?.includes('participants')) void loadParticipants();
    if (event.type.startsWith('contact.') && event.data?.contact_id === store.conversation(id)?.contact?.id) store.refreshConversation(id);
  }

  draw();
  void loadParticipants();
  const ends = [store.subscribe(`conversation:${id}`, draw), store.subscribe('me', draw),
    app.bus.on('event', hear)];
  return { destroy: () => ends.forEach((end) => end()) };
}

function firstLine(conversation, app) {
  const { commands, store } = app;
  const [words, kind] = STATUS[conversation.status] ?? [conversation.status, ''];
  const snoozed = conversation.status === 'snoozed' && conversation.snoozed_until;
  const mine = conversation.assignee?.id && conversation.assignee.id === store.me?.id;
  const closed = conversation.status === 'closed';
  const run = (id) => () => commands.run(id);
  return h('div', { class: 'thread-line' },
    iconButton('back', say('Back to the list'), run('back'), { class: 'icon-button narrow' }),
    h('h1', { class: 'clip' }, h('bdi', {}, whoIn(conversation))),
    h('span', { class: 'faint number wide' }, `#${conversation.number}`),
    h('span', { class: `chip ${kind}`, title: snoozed ? say('until {at}', { at: showWhole(snoozed) }) : '' }, say(words)),
    conversation.handler === 'bot' && h('span', { class: 'chip' }, icon('bot'), say('Bot')),
    ['high', 'urgent'].includes(conversation.priority?.level) && h('span', { class: 'chip bad', title: conversation.priority.because.join(', ') }, icon('flag'), say(conversation.priority.level)),
    h('span', { class: 'grow' }),
    h('button', { type: 'button', class: 'plain assignee', onclick: run('assign'), title: say('Assign') }, icon('user'),
      h('bdi', { class: 'clip wide' }, mine ? say('You') : conversation.assignee?.name ?? say('Unassigned'))),
    iconButton('snooze', say('Snooze'), run('snooze'), { class: 'icon-button wide' }),
    h('button', { type: 'button', class: 'close-button', 'aria-label': say(closed ? 'Reopen' : 'Close'), onclick: run(closed ? 'reopen' : 'close') }, icon(closed ? 'undo' : 'check'), h('span', { class: 'wide' }, say(closed ? 'Reopen' : 'Close'))),
    iconButton('more', say('More about this conversation'), (event) => openMenu(/** @type {HTMLElement} */ (event.currentTarget), menuOf(commands)), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' }),
    iconButton('panel', say('Details'), run('toggle-context')));
}

const MENU = [['assign-me', 'user', 'Take it'], ['snooze', 'snooze', 'Snooze'], ['priority', 'flag', 'Priority'], ['unread', 'eye', 'Mark as unread'], ['tag', 'tag', 'Tag'], ['merge', 'merge', 'Merge'], ['transcript', 'down', 'Transcript']];

function menuOf(commands) {
  return MENU.map(([id, name, words]) => commands.can(id) && { label: commands.get(id)?.title ?? say(words), icon: name, run: () => commands.run(id) });
}

function tagChip(tag, { commands }) {
  return h('span', { class: 'chip tag' }, h('bdi', {}, tag),
    h('button', { type: 'button', class: 'bare', 'aria-label': say('Remove the tag {tag}', { tag }), onclick: () => commands.run('untag', tag) }, icon('close')));
}

/** Who takes part beside the contact. */
function others(participants) {
  const more = participants.filter((one) => one.role !== 'contact' && one.address);
  const names = more.map((one) => `${one.name ?? ''} ${one.address}`.trim()).join('\n');
  return more.length > 0 && h('span', { class: 'faint small', title: names }, icon('users'), say('{n} more', { n: more.length }));
}
