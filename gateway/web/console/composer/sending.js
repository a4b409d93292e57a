/** From words to a message: shown at once, sent once however often it is tried, kept until it has left, undone in time. */
import { newKey } from '../api.js';
import { showWhole } from '../format.js';
import { toast, toastProblem } from '../toast.js';
import { say } from '../timeline/words.js';
import { createShelf } from './drafts.js';

const UNDO_SECONDS = 5;

/** @param {any} app */
export function createSending(app) {
  const { api, store, bus, prefs, commands, conversationId: id } = app;
  const shelf = createShelf('unsent', app);
  const keep = () => shelf.write(store.entries(id).pending.map(({ client_message_id, type, text, parts, body }) => ({ client_message_id, type, text, parts, body })));

  /**
   * @param {any} body of the request @param {{note?: boolean, close?: boolean, channel?: any}} [how]
   * @returns {Promise<void>} settled when it has left or not
   */
  async function send(body, { note = false, close = false, channel = null } = {}) {
    const clientId = body.client_message_id ?? newKey();
    const whole = note ? body : { ...body, client_message_id: clientId, undo_seconds: body.send_at ? undefined : prefs?.get('undo') ?? UNDO_SECONDS };
    store.addPending(id, { client_message_id: clientId, type: note ? 'note' : 'message', direction: note ? 'internal' : 'outbound', text: body.text ?? '', parts: body.parts ?? [], channel, body: whole, close });
    bus.emit('sent', { conversationId: id });
    keep();
    await deliver(clientId, whole, { note, close });
  }

  async function deliver(clientId, body, { note, close }) {
    try {
      const answer = await api.post(`/conversations/${id}/${note ? 'notes' : 'messages'}`, body, { idempotencyKey: clientId });
      store.dropPending(id, clientId);
      if (answer.object === 'entry') store.putEntry(answer);
      tell(answer);
      if (close) commands.run('close');
    } catch (problem) {
      store.changePending(id, clientId, { state: 'failed', problem });
    }
    keep();
  }

  /** What leaves in a moment says so by itself, beside its undo; what leaves later is out of sight. */
  function tell(answer) {
    if (answer.object !== 'scheduled_message') return;
    const back = () => api.post(`/scheduled-messages/${answer.id}/cancel`).then(() => restore(answer), toastProblem);
    toast(say('Leaves {at}', { at: showWhole(answer.send_at) }), { kind: 'ok', action: { label: say('Undo'), run: back } });
  }

  async function undo(entry) {
    try {
      store.putEntry(await api.post(`/messages/${entry.id}/cancel`));
      restore(entry);
    } catch (problem) {
      toastProblem(problem);
    }
  }
  const restore = (entry) => bus.emit('compose', { conversationId: id, entry });

  /** The latest message that may still be taken back. */
  const undoable = () => store.entries(id).items.findLast((entry) => entry.delivery?.state === 'scheduled' && entry.author.id === store.me?.id);
  const resend = ({ conversationId, entry }) => {
    if (conversationId !== id) return;
    store.changePending(id, entry.client_message_id, { state: 'sending' });
    void deliver(entry.client_message_id, entry.body, { note: entry.type === 'note', close: entry.close });
  };

  const unsent = shelf.read() ?? [];
  const { items, pending } = store.entries(id);
  const known = new Set([...items, ...pending].map((entry) => entry.client_message_id));
  for (const entry of unsent) {
    if (!known.has(entry.client_message_id)) store.addPending(id, { ...entry, direction: entry.type === 'note' ? 'internal' : 'outbound', state: 'failed', problem: { detail: say('It is not known whether this left before the page was closed. It cannot leave twice.') } });
  }
  const ends = [bus.on('resend', resend), store.subscribe(`entries:${id}`, keep)];
  return { send, undo: () => { const entry = undoable(); if (entry) void undo(entry); }, canUndo: () => Boolean(undoable()), destroy: () => ends.forEach((end) => end()) };
}
