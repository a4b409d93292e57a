/** Short messages at the foot of the page, spoken once; what needs an answer waits longer. */
import { h, icon, iconButton } from './dom.js';
import { sentences } from './format.js';
import { t } from './strings.js';

const SHOWN_MS = 6000;
const ANSWERABLE_MS = 12000;

/**
 * @param {string} text
 * @param {{kind?: 'info'|'ok'|'bad', action?: {label: string, run: () => void}, ms?: number}} [options]
 * @returns {() => void} takes it away
 */
export function toast(text, { kind = 'info', action, ms } = {}) {
  const press = () => { close(); action?.run(); };
  const element = h('div', { class: `toast ${kind}` },
    icon({ ok: 'check', bad: 'alert' }[kind] ?? 'info'), h('span', { class: 'grow' }, text),
    action && h('button', { type: 'button', class: 'link', onclick: press }, action.label),
    iconButton('close', t('dismiss'), () => close()));
  const close = () => element.remove();
  // What went well makes room for what goes well now; what went wrong stays to be read.
  for (const one of place().querySelectorAll('.toast:not(.bad)')) one.remove();
  place().append(element);
  setTimeout(close, ms ?? (action ? ANSWERABLE_MS : SHOWN_MS));
  return close;
}

/**
 * Say a problem of the API so that somebody can do something about it: what, what next, and the request's id.
 * @param {any} problem
 */
export function toastProblem(problem) {
  const told = sentences(problem?.detail ?? problem?.message ?? String(problem), problem?.hint);
  const copy = problem?.requestId && { label: t('copyRequestId'), run: () => navigator.clipboard?.writeText(problem.requestId) };
  toast(told, { kind: 'bad', action: copy || undefined });
}

function place() {
  const found = document.getElementById('toasts');
  if (found) return found;
  const made = h('div', { id: 'toasts', role: 'status', 'aria-live': 'polite' });
  document.body.append(made);
  return made;
}
