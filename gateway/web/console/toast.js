/** Short messages at the foot of the page, spoken once; what needs an answer waits longer. */
import { h, icon, iconButton } from './dom.js';
import { sentences } from './format.js';
import { t } from './strings.js';

const SHOWN_MS = 6000;
const ANSWERABLE_MS = 12000;
const AGAIN_MS = 2000;

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
    iconButton('close', t('Dismiss'), () => close()));
  const close = () => element.remove();
  // Whoever is reading it, or on the way to its button, is given the time.
  const leave = (wait) => setTimeout(() => (element.matches(':hover, :focus-within') ? leave(AGAIN_MS) : close()), wait);
  // What went well makes room for what goes well now; what went wrong stays to be read.
  const place = toastPlace();
  for (const one of place.querySelectorAll('.toast:not(.bad)')) one.remove();
  place.append(element);
  leave(ms ?? (action ? ANSWERABLE_MS : SHOWN_MS));
  return close;
}

/**
 * Say a problem of the API so that somebody can do something about it: what, what next, and the request's id.
 * @param {any} problem
 */
export function toastProblem(problem) {
  const told = sentences(problem?.detail ?? problem?.message ?? String(problem), problem?.hint);
  const copy = problem?.requestId && { label: t('Copy request id'), run: () => navigator.clipboard?.writeText(problem.requestId) };
  toast(told, { kind: 'bad', action: copy || undefined });
}

/** To the clipboard, and to say whether it is there. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text); // there only where the page came by HTTPS
    toast(t('Copied'), { kind: 'ok' });
  } catch {
    toast(t('The browser does not let this page copy.'), { kind: 'bad' });
  }
}

/** Above everything, a dialog too. */
function toastPlace() {
  const found = document.getElementById('toasts') ?? h('div', { id: 'toasts', role: 'status', popover: 'manual' });
  if (!found.isConnected) document.body.append(found);
  if (document.querySelector('dialog[open]')) found.hidePopover();
  if (!found.matches(':popover-open')) found.showPopover();
  return found;
}
