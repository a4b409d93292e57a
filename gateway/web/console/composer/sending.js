/** From words to a message: shown at once, sent once however often it is tried, kept until it has left, undone in time. */
import { newKey } from '../api.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';
import { undoMessage } from '../timeline/actions.js';
import { createShelf } from './drafts.js';

const UNDO_SECONDS = 5;

/** How long what is sent may be taken back. @param {any} app */
export const undoSeconds = ({ prefs }) => prefs?.get('undo') ?? UNDO_SECONDS;

/** @param {any} app */
export function createSending(app) {
  const { store, bus, conversationId: id } = app;
  const it = { app, shelf: createShelf('unsent', app) };
  bringBackUnsent(it);
  const again = ({ conversationId, entry }) => { if (conversationId === id) void resend(it, entry); };
  const ends = [bus.on('resend', again), store.subscribe(`entries:${id}`, () => keepUnsent(it))];
  return {
    /** Settled when it has left or not. @param {any} body of the request @param {{note?: boolean, close?: boolean, channel?: any}} [how] */
    send: (body, how = {}) => sendOnce(it, body, how),
    undo: () => { const entry = undoable(app); if (entry) void undoMessage(app, entry); },
    canUndo: () => Boolean(undoable(app)),
    destroy: () => ends.forEach((end) => end()),
  };
}

async function sendOnce(it, given, { note = false, close = false, channel = null }) {
  const { store, bus, conversationId: id } = it.app;
  const key = newKey();
  const body = note ? given : { ...given, client_message_id: key, undo_seconds: given.send_at ? undefined : undoSeconds(it.app) };
  store.addPending(id, { client_message_id: key, type: note ? 'note' : 'message', direction: note ? 'internal' : 'outbound', text: body.text ?? '', parts: body.parts ?? [], channel, body, close });
  bus.emit('sent', { conversationId: id });
  await deliver(it, { client_message_id: key, type: note ? 'note' : 'message', body, close });
}

async function resend(it, entry) {
  it.app.store.changePending(it.app.conversationId, entry.client_message_id, { state: 'sending' });
  await deliver(it, entry);
}

async function deliver(it, { client_message_id: key, type, body, close }) {
  const { api, store, commands, conversationId: id } = it.app;
  try {
    const answer = await api.post(`/conversations/${id}/${type}s`, body, { idempotencyKey: key });
    store.dropPending(id, key);
    if (answer.object === 'entry') store.putEntry(answer);
    else tellLater(it, answer);
    if (close) commands.run('close');
  } catch (problem) {
    store.changePending(id, key, { state: 'failed', problem });
  }
}

/** What leaves in a moment says so by itself, beside its undo; what leaves later is out of sight. */
function tellLater({ app: { api, bus, conversationId } }, answer) {
  const restore = () => bus.emit('compose', { conversationId, entry: answer });
  const back = () => api.post(`/scheduled-messages/${answer.id}/cancel`).then(restore, toastProblem);
  toast(t('Leaves {at}', { at: showWhole(answer.send_at) }), { kind: 'ok', action: { label: t('Undo'), run: back } });
}

/** The latest message that may still be taken back. */
function undoable({ store, conversationId }) {
  return store.entries(conversationId).items.findLast((entry) => entry.delivery?.state === 'scheduled' && entry.author.id === store.me?.id);
}

function keepUnsent({ shelf, app: { store, conversationId } }) {
  shelf.write(store.entries(conversationId).pending.map(({ client_message_id, type, text, parts, channel, body }) => ({ client_message_id, type, text, parts, channel, body })));
}

function bringBackUnsent({ shelf, app: { store, conversationId: id } }) {
  const { items, pending } = store.entries(id);
  const known = new Set([...items, ...pending].map((entry) => entry.client_message_id));
  const problem = { detail: t('It is not known whether this left before the page was closed. It cannot leave twice.') };
  for (const entry of shelf.read() ?? []) {
    if (!known.has(entry.client_message_id)) store.addPending(id, { ...entry, direction: entry.type === 'note' ? 'internal' : 'outbound', state: 'failed', problem });
  }
}
