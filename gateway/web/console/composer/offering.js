/** What an answer offers beside words: buttons, a form, and the question how it went. */
import { h, icon, iconButton } from '../dom.js';
import { callLater } from '../loading.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';

/** @param {any} app @param {{parts: string[], text: string, offer: (part: any) => void}} given `parts` are those the way can carry */
export function offerMenu({ api, conversationId, store }, { parts, text, offer }) {
  const chat = store.conversation(conversationId)?.channels?.includes('webchat');
  const item = (kind, words, name) => {
    const able = parts.includes(kind);
    return { label: t(words), detail: able ? '' : t('only where the channel has them'), icon: name, disabled: !able, run: () => callLater('askParts', kind, text, offer) };
  };
  const ask = () => api.post(`/conversations/${conversationId}/csat-requests`, {}).then(() => toast(t('They are asked how it went'), { kind: 'ok' }), toastProblem);
  return [item('choices', 'Buttons…', 'check'), item('form', 'A form…', 'rules'), { label: t('Ask how it went'), detail: chat ? '' : t('only in a chat'), icon: 'star', disabled: !chat, run: ask }];
}

/** @param {any} part @param {() => void} remove */
export function offerChip({ options, fields }, remove) {
  const names = (options ?? fields).map((one) => one.title ?? one.label).join(' · ');
  return h('p', { class: 'upload' }, icon(fields ? 'rules' : 'check'), h('bdi', { class: 'grow' }, names), iconButton('close', t('Remove'), remove));
}
