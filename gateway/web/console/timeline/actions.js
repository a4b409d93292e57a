/** What can be done with one message. */
import { copyText, toastProblem } from '../toast.js';
import { callLater } from '../loading.js';
import { t } from '../strings.js';
import { openMenu } from './menu.js';

/** @param {any} app @returns {(name: string, entry: any, more?: any) => any} */
export function createActions(app) {
  const { store, api, bus, conversationId } = app;
  const drop = (entry) => store.dropPending(conversationId, entry.client_message_id);
  const actions = {
    retry: (entry) => api.post(`/messages/${entry.id}/retry`).then(store.putEntry, toastProblem),
    undo: (entry) => undoMessage(app, entry),
    resend: (entry) => bus.emit('resend', { conversationId, entry }),
    edit: (entry) => { drop(entry); bus.emit('compose', { conversationId, entry }); },
    discard: drop,
    picture: (entry, part) => callLater('showPicture', part),
    menu: (entry, anchor) => openMenu(anchor, messageMenu(entry, app)),
  };
  return (name, entry, more) => actions[name](entry, more);
}

/** Taken back, the words return to where they were written. @param {any} app @param {any} entry */
export async function undoMessage({ api, store, bus, conversationId }, entry) {
  try {
    store.putEntry(await api.post(`/messages/${entry.id}/cancel`));
    bus.emit('compose', { conversationId, entry });
  } catch (problem) {
    toastProblem(problem);
  }
}

function messageMenu(entry, app) {
  const { api, store, conversationId } = app;
  const message = entry.type === 'message';
  const inbound = entry.direction === 'inbound';
  return [
    entry.text && { label: t('Copy text'), icon: 'copy', run: () => copyText(entry.text) },
    { label: t('Copy link to this message'), icon: 'link', run: () => copyText(`${location.origin}/console/c/${conversationId}#${entry.id}`) },
    message && !inbound && { label: t('How the delivery went'), icon: 'checks', run: () => callLater('showAttempts', api, entry) },
    message && inbound && store.me?.role === 'admin' && { label: t('What the provider sent'), icon: 'code', run: () => callLater('showRaw', api, entry) },
    { label: t('Show as JSON'), icon: 'code', run: () => callLater('showText', t('Entry {seq}', entry), JSON.stringify(entry, null, 2)) },
    !entry.redacted_at && { label: t('Redact…'), icon: 'trash', danger: true, run: () => callLater('redact', app, entry) },
  ];
}
