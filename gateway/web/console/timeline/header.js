/** Whose conversation it is, what it is about, who has it, and what can be done with it as a whole. */
import { button, h, icon, iconButton } from '../dom.js';
import { showWhole, whoIn } from '../format.js';
import { t } from '../strings.js';
import { copyText, toastProblem } from '../toast.js';
import { createDrawing } from './drawing.js';
import { editable } from './editing.js';
import { HAS_MENU, menuButton, openMenu } from './menu.js';
import { channelMark } from './message.js';

/** @type {Record<string, [string, string]>} words and kind */
const STATUS = { open: ['Open', 'accent'], pending: ['Waiting for them', ''], snoozed: ['Snoozed', 'warn'], closed: ['Closed', 'ok'] };
const MENU_COMMANDS = { 'assign-me': 'user', snooze: 'snooze', priority: 'flag', unread: 'eye', tag: 'tag', merge: 'merge' };

/** @param {HTMLElement} el @param {any} app @returns {{destroy(): void}} */
export function mountHeader(el, app) {
  const { conversationId: id, store, api, bus } = app;
  const { draw } = createDrawing(el, () => {
    const conversation = store.conversation(id);
    return conversation && [firstLine(conversation, app), secondLine(conversation, participants, app)];
  });
  let participants = [];
  const load = async () => {
    participants = (await api.get(`/conversations/${id}/participants`).catch(() => null))?.data ?? [];
    draw();
  };
  /** The contact's own events name no conversation. */
  const hear = (event) => {
    if (event.conversation_id === id && event.changed?.includes('participants')) void load();
    if (event.type.startsWith('contact.') && event.data?.contact_id === store.conversation(id)?.contact?.id) store.refreshConversation(id);
  };
  draw();
  void load();
  const ends = [store.subscribe(`conversation:${id}`, draw), store.subscribe('me', draw), bus.on('event', hear)];
  return { destroy: () => ends.forEach((end) => end()) };
}

function firstLine(conversation, { commands, store }) {
  const { assignee, status, handler, number, priority } = conversation;
  const mine = assignee?.id && assignee.id === store.me?.id;
  const end = status === 'closed' ? ['reopen', 'undo', t('Reopen')] : ['close', 'check', t('Close')];
  const run = (id) => () => commands.run(id);
  return h('div', { class: 'thread-line' },
    iconButton('back', t('Back to the list'), run('back'), { class: 'icon-button narrow' }),
    h('h1', { class: 'clip' }, h('bdi', {}, whoIn(conversation))),
    h('span', { class: 'faint number wide' }, `#${number}`),
    threadStatus(conversation),
    handler === 'bot' && h('span', { class: 'chip' }, icon('bot'), t('Bot')),
    ['high', 'urgent'].includes(priority?.level) && h('span', { class: 'chip bad', title: priority.because.join(', ') }, icon('flag'), t(`priority_${priority.level}`)),
    h('span', { class: 'grow' }),
    h('button', { type: 'button', class: 'plain assignee', onclick: run('assign'), title: t('Assign') }, icon('user'), h('bdi', { class: 'clip wide' }, mine ? t('You') : assignee?.name ?? t('Unassigned'))),
    iconButton('snooze', t('Snooze'), run('snooze'), { class: 'icon-button wide' }),
    h('button', { type: 'button', class: 'close-button', 'aria-label': end[2], onclick: run(end[0]) }, icon(end[1]), h('span', { class: 'wide' }, end[2])),
    menuButton('more', t('More about this conversation'), () => Object.entries(MENU_COMMANDS).map(([id, name]) => commands.can(id) && { label: commands.get(id).title, icon: name, run: run(id) })),
    iconButton('panel', t('Details'), run('toggle-context')));
}

function threadStatus({ status, snoozed_until: until }) {
  const [words, kind] = STATUS[status] ?? [status, ''];
  return h('span', { class: `chip ${kind}`, title: status === 'snoozed' && until ? t('until {at}', { at: showWhole(until) }) : '' }, t(words));
}

function secondLine({ subject, channels = [], tags = [] }, participants, app) {
  return h('div', { class: 'thread-facts' }, subjectField(subject, app), channels.map((type) => channelMark({ type })), othersButton(participants),
    tags.map((tag) => tagChip(tag, app)), iconButton('tag', t('Add a tag'), () => app.commands.run('tag'), { class: 'icon-button small-button' }));
}

function subjectField(subject, { api, store, conversationId: id }) {
  const save = (value) => api.patch(`/conversations/${id}`, { subject: value }).then(store.putConversation, toastProblem);
  const shown = h('bdi', { class: subject ? 'clip' : 'clip faint' }, subject || t('No subject'));
  return editable(shown, { title: t('Change the subject'), label: t('Subject'), value: subject ?? '', most: 500, save, class: 'subject-button' });
}

/** Who takes part beside the contact. */
function othersButton(participants) {
  const more = participants.filter((one) => one.role !== 'contact' && one.address);
  const item = ({ name, address, role }) => ({ label: name ?? address, detail: [role, name && address].filter(Boolean).join(' · '), icon: 'copy', run: () => copyText(address) });
  return more.length > 0 && button(t('{n} more', { n: more.length }), (event) => openMenu(event.currentTarget, more.map(item)), { icon: 'users', class: 'link small', title: t('Who else takes part'), ...HAS_MENU });
}

function tagChip(tag, { commands }) {
  return h('span', { class: 'chip tag' }, h('bdi', {}, tag),
    h('button', { type: 'button', class: 'bare', 'aria-label': t('Remove the tag {tag}', { tag }), onclick: () => commands.run('untag', tag) }, icon('close')));
}
