/** What leaves later: below the log, until it has left. */
import { button, h, icon, mount } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';
import { toastProblem } from '../toast.js';
import { entryParts } from './parts.js';

/** @param {HTMLElement} el @param {any} app @returns {{destroy(): void}} */
export function mountScheduled(el, { conversationId: id, api, bus }) {
  const load = async () => {
    const page = await api.get(`/conversations/${id}/scheduled-messages`, { state: ['scheduled', 'held'], limit: 20 }).catch(() => null);
    if (page) mount(el, page.data.map((one) => scheduledCard(one, act)));
  };
  const act = (one, verb) => async (event) => {
    event.currentTarget.disabled = true;
    await api.post(`/scheduled-messages/${one.id}/${verb}`).then(() => verb === 'cancel' && bus.emit('compose', { conversationId: id, entry: one }), toastProblem);
    await load();
  };
  const end = bus.on('event', (event) => { if (event.conversation_id === id && /^scheduled_message\./.test(event.type)) void load(); });
  void load();
  return { destroy: end };
}

function scheduledCard(one, act) {
  const way = (verb, words) => button(t(words), act(one, verb), { class: 'link' });
  return h('article', { class: 'entry out head scheduled', 'aria-label': t('Leaves later') },
    h('p', { class: 'who' }, icon('clock'), h('span', { class: 'strong' }, t(one.state === 'held' ? 'Held back' : 'Leaves {at}', { at: showWhole(one.send_at) })), one.reason && h('span', { class: 'faint' }, one.reason.detail)),
    h('div', { class: 'bubble' }, entryParts(one, { mark: (nodes) => nodes, onPicture: () => undefined })),
    h('p', { class: 'foot' }, way('send', 'Send now'), way('cancel', 'Take back')));
}
