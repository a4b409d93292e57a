/** What can be done with one message. */
import { loadLater } from '../loading.js';
import { toast, toastProblem } from '../toast.js';
import { openMenu } from './menu.js';
import { say } from './words.js';

/** @param {any} app @returns {(name: string, entry: any, more?: any) => any} */
export function createActions(app) {
  const { store, api, bus, conversationId } = app;
  const ask = async (name, ...given) => (await loadLater())[name](...given);
  const put = async (work) => {
    try {
      const answer = await work;
      if (answer?.object === 'entry') store.putEntry(answer);
      return answer;
    } catch (problem) {
      return toastProblem(problem);
    }
  };
  const actions = {
    retry: (entry) => put(api.post(`/messages/${entry.id}/retry`)),
    /** Taken back, the words return to where they were written. */
    async undo(entry) {
      if (await put(api.post(`/messages/${entry.id}/cancel`))) bus.emit('compose', { conversationId, entry });
    },
    resend: (entry) => bus.emit('resend', { conversationId, entry }),
    edit: (entry) => { store.dropPending(conversationId, entry.client_message_id); bus.emit('compose', { conversationId, entry }); },
    discard: (entry) => store.dropPending(conversationId, entry.client_message_id),
    picture: (entry, part) => ask('showPicture', part),
    menu: (entry, anchor) => openMenu(anchor, menuOf(entry)),
  };

  const isAdmin = () => store.me?.role === 'admin';
  const menuOf = (entry) => [
    entry.text && { label: say('Copy text'), icon: 'copy', run: () => copy(entry.text) },
    { label: say('Copy link to this message'), icon: 'link', run: () => copy(`${location.origin}/console/c/${conversationId}#${entry.id}`) },
    entry.type === 'message' && entry.direction === 'outbound' && { label: say('How the delivery went'), icon: 'checks', run: () => ask('showAttempts', api, entry) },
    isAdmin() && entry.type === 'message' && entry.direction === 'inbound' && { label: say('What the provider sent'), icon: 'code', run: () => ask('showRaw', api, entry) },
    { label: say('Show as JSON'), icon: 'code', run: () => ask('showText', say('Entry {seq}', entry), JSON.stringify(entry, null, 2)) },
    !entry.redacted_at && entry.type !== 'event' && { label: say('Redact…'), icon: 'trash', danger: true, run: () => ask('redact', app, entry) },
  ];
  return (name, entry, more) => actions[name](entry, more);
}

/** @param {string} text */
async function copy(text) {
  await navigator.clipboard.writeText(text).then(() => toast(say('Copied'), { kind: 'ok' }), toastProblem);
}
