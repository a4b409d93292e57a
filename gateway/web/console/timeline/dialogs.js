/** What of one message is shown by itself: its picture, its delivery, what the provider sent; and taking its words away. */
import { field, openDialog, openForm } from '../dialog.js';
import { h, icon } from '../dom.js';
import { showWhole } from '../format.js';
import { toast, toastProblem } from '../toast.js';
import { say } from './words.js';

/** @param {string} text */
async function copy(text) {
  await navigator.clipboard.writeText(text).then(() => toast(say('Copied'), { kind: 'ok' }), toastProblem);
}

/** @param {any} app @param {any} entry */
export function redact({ api, store, conversationId }, entry) {
  const reason = h('input', { name: 'reason', required: true, maxLength: 500 });
  const help = say('The words and files are erased for good. What the contact holds already is beyond our reach.');
  openForm({ title: say('Redact this message?'), submit: say('Redact'), danger: true }, [field(say('Reason'), reason, help)], async (values) => {
    store.putConversation(await api.post(`/conversations/${conversationId}/redact`, { entry_id: entry.id, reason: values.reason }));
  });
}

/** @param {any} api @param {any} entry */
export async function showRaw(api, entry) {
  try {
    const raw = await api.get(`/messages/${entry.id}/raw`);
    const head = Object.entries(raw.headers).map(([name, value]) => `${name}: ${value}`).join('\n');
    showText(say('What the provider sent'), `${raw.method} ${raw.url}\n${head}\n\n${raw.body}`);
  } catch (problem) {
    toastProblem(problem);
  }
}

/** @param {any} api @param {any} entry */
export async function showAttempts(api, entry) {
  const page = await api.get(`/messages/${entry.id}/deliveries`).catch(toastProblem);
  if (!page) return;
  const line = (one) => h('li', {}, h('time', { class: 'faint number', dateTime: one.started_at }, showWhole(one.started_at)), h('strong', {}, one.kind), one.outcome, h('span', { class: 'bad' }, one.error?.message ?? one.detail ?? ''));
  openDialog({ title: say('How the delivery went'), wide: true }, (close) => [
    h('ol', { class: 'attempts' }, page.data.length ? page.data.map(line) : h('li', {}, say('Nothing has been tried yet.'))), foot(close)]);
}

/** @param {string} title @param {string} text */
export function showText(title, text) {
  openDialog({ title, wide: true }, (close) => [h('pre', { class: 'raw', tabIndex: 0 }, text), foot(close, h('button', { type: 'button', onclick: () => copy(text) }, icon('copy'), say('Copy')))]);
}

function foot(close, ...more) {
  return h('div', { class: 'foot' }, more, h('button', { type: 'button', class: 'primary', onclick: close }, say('Close')));
}

/** @param {any} part */
export function showPicture({ attachment, alt }) {
  const name = alt ?? attachment.name ?? say('Picture');
  openDialog({ title: name, class: 'lightbox' }, (close) => [
    h('button', { type: 'button', class: 'shown', onclick: close, 'aria-label': say('Close') }, h('img', { src: attachment.url, alt: name })),
    h('div', { class: 'foot' }, h('a', { class: 'button', href: attachment.url, download: attachment.name ?? '' }, icon('down'), say('Download')), h('button', { type: 'button', class: 'primary', onclick: close }, say('Close')))]);
}
