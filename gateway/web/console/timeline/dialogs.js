/** What of one message is shown by itself: its picture, its delivery, what the provider sent; and taking its words away. */
import { field, openDialog, openForm, openNotice } from '../dialog.js';
import { button, h, icon } from '../dom.js';
import { sentences, showWhole } from '../format.js';
import { t } from '../strings.js';
import { copyText, toastProblem } from '../toast.js';

/** @param {any} app @param {any} entry */
export function redact({ api, store, conversationId }, entry) {
  const reason = h('input', { name: 'reason', required: true, maxLength: 500 });
  const help = t('The words and files are erased for good. What the contact holds already is beyond our reach.');
  openForm({ title: t('Redact this message?'), submit: t('Redact'), danger: true }, [field(t('Reason'), reason, help)], async (values) => {
    store.putConversation(await api.post(`/conversations/${conversationId}/redact`, { entry_id: entry.id, reason: values.reason }));
  });
}

/** @param {any} api @param {any} entry */
export async function showRaw(api, entry) {
  const raw = await api.get(`/messages/${entry.id}/raw`).catch(toastProblem);
  if (!raw) return;
  const head = Object.entries(raw.headers).map(([name, value]) => `${name}: ${value}`).join('\n');
  showText(t('What the provider sent'), `${raw.method} ${raw.url}\n${head}\n\n${raw.body}`);
}

/** @param {any} api @param {any} entry */
export async function showAttempts(api, entry) {
  const page = await api.get(`/messages/${entry.id}/deliveries`).catch(toastProblem);
  if (!page) return;
  const line = (one) => h('li', {}, h('time', { class: 'faint number', dateTime: one.started_at }, showWhole(one.started_at)), h('strong', {}, one.kind), one.outcome, h('span', { class: 'bad' }, sentences(one.error?.message ?? one.detail)));
  openNotice(t('How the delivery went'), h('ol', { class: 'attempts' }, page.data.length ? page.data.map(line) : h('li', {}, t('Nothing has been tried yet.'))));
}

/** @param {string} title @param {string} text */
export function showText(title, text) {
  openNotice(title, h('pre', { class: 'raw', tabIndex: 0 }, text), button(t('Copy'), () => copyText(text), { icon: 'copy' }));
}

/** @param {any} part */
export function showPicture({ attachment, alt }) {
  const name = alt ?? attachment.name ?? t('Picture');
  openDialog({ title: name, class: 'lightbox' }, (close) => [
    h('button', { type: 'button', class: 'shown', onclick: close, 'aria-label': t('Close') }, h('img', { src: attachment.url, alt: name })),
    h('div', { class: 'foot' }, h('a', { class: 'button', href: attachment.url, download: attachment.name ?? '' }, icon('down'), t('Download')), button(t('Close'), close, { class: 'primary' }))]);
}
