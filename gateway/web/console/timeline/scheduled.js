/** What leaves later: below the log, until it has left. */
import { h, icon, mount } from '../dom.js';
import { showWhole } from '../format.js';
import { toastProblem } from '../toast.js';
import { say } from './words.js';

/** @param {HTMLElement} el @param {any} app @returns {{destroy(): void}} */
export function mountScheduled(el, { conversationId: id, api, bus }) {
  const load = async () => {
    const page = await api.get(`/conversations/${id}/scheduled-messages`, { state: ['scheduled', 'held'], limit: 20 }).catch(() => null);
    if (page) mount(el, page.data.map(card));
  };
  const act = (one, verb) => async (event) => {
    event.currentTarget.disabled = true;
    try {
      await api.post(`/scheduled-messages/${one.id}/${verb}`);
      if (verb === 'cancel') bus.emit('compose', { conversationId: id, entry: one });
    } catch (problem) {
      toastProblem(problem);
    }
    await load();
  };
  const card = (one) => h('article', { class: 'entry out head scheduled', 'aria-label': say('Leaves later') },
    h('p', { class: 'who' }, icon('clock'), h('span', { class: 'strong' }, say(one.state === 'held' ? 'Held back' : 'Leaves {at}', { at: showWhole(one.send_at) })), one.reason && h('span', { class: 'faint' }, one.reason.detail)),
    h('div', { class: 'bubble' }, h('div', { class: 'words', dir: 'auto' }, h('p', {}, one.text))),
    h('p', { class: 'foot' }, h('button', { type: 'button', class: 'link', onclick: act(one, 'send') }, say('Send now')), h('button', { type: 'button', class: 'link', onclick: act(one, 'cancel') }, say('Take back'))));
  const end = bus.on('event', (event) => { if (event.conversation_id === id && /^scheduled_message\./.test(event.type)) void load(); });
  void load();
  return { destroy: end };
}
