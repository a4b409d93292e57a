/** Dialogs of the browser's own kind: they hold the focus, close by Esc and give the focus back. */
import { button, h, uid } from './dom.js';
import { sentences } from './format.js';
import { t } from './strings.js';

/**
 * @param {{title: string, wide?: boolean, class?: string, onclose?: () => void, stays?: boolean}} options `stays`: until it is closed by us
 * @param {(close: () => void) => any} build what is in it
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function openDialog({ title, wide, class: kind, onclose, stays }, build) {
  const id = uid('dialog');
  let over = false;
  const close = () => { over = true; element.close(); };
  const element = h('dialog', { class: [wide && 'wide', kind].filter(Boolean).join(' '), 'aria-labelledby': id });
  element.append(h('div', { class: 'body' }, h('h2', { id }, title), build(close)));
  const before = document.activeElement;
  element.addEventListener('close', () => {
    if (stays && !over) return element.showModal(); // browsers close it at a second Esc, whatever we say to the first
    element.remove();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    return onclose?.();
  });
  element.addEventListener('cancel', (event) => { if (stays) event.preventDefault(); });
  element.addEventListener('mousedown', (event) => { if (event.target === element && !stays) close(); });
  document.body.append(element);
  element.showModal();
  return { element, close };
}

/** Something to be read, and a button that closes it. @param {string} title @param {...any} content */
export function openNotice(title, ...content) {
  return openDialog({ title, wide: true }, (close) => [content, h('div', { class: 'foot' }, button(t('Done'), close, { class: 'primary' }))]);
}

/**
 * A form in a dialog; a problem of the API is shown where it belongs, and what was typed stays.
 * @param {{title: string, wide?: boolean, submit: string, danger?: boolean}} options
 * @param {any[]} fields
 * @param {(values: Record<string, string>, form: HTMLFormElement) => Promise<any>} send
 */
export function openForm({ title, wide, submit, danger }, fields, send) {
  return openDialog({ title, wide }, (close) => buildForm({ submit, danger, cancel: close, done: close }, fields, send));
}

/**
 * @param {{submit: string, danger?: boolean, cancel?: () => void, done?: (answer: any) => void}} options
 * @param {any[]} fields
 * @param {(values: Record<string, string>, form: HTMLFormElement) => Promise<any>} send
 */
export function buildForm({ submit, danger, cancel, done }, fields, send) {
  const error = h('p', { class: 'error', role: 'alert', hidden: true });
  const press = h('button', { class: danger ? 'danger' : 'primary' }, submit);
  const form = h('form', { class: 'column form', novalidate: true }, ...fields, error,
    h('div', { class: 'foot' }, cancel && button(t('Cancel'), cancel, { class: 'plain' }), press));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    press.disabled = true;
    clearErrors(form, error);
    try {
      const answer = await send(Object.fromEntries(/** @type {any} */ (new FormData(form))), form);
      done?.(answer);
    } catch (problem) {
      showProblem(form, error, problem);
    } finally {
      press.disabled = false;
    }
  });
  return form;
}

/** A labelled input. @param {string} label @param {any} control an element @param {string} [help] */
export function field(label, control, help) {
  control.id ||= uid('field');
  const note = help ? h('p', { class: 'help', id: `${control.id}-help` }, help) : null;
  if (note) control.setAttribute('aria-describedby', note.id);
  return h('div', { class: 'field' }, h('label', { htmlFor: control.id }, label), control, note);
}

function clearErrors(form, error) {
  error.hidden = true;
  for (const one of form.querySelectorAll('.field .error')) one.remove();
  for (const one of form.querySelectorAll('[aria-invalid]')) one.removeAttribute('aria-invalid');
}

function showProblem(form, error, problem) {
  const left = (problem.errors ?? []).filter((one) => !showAtField(form, one));
  const words = left.length || !problem.errors?.length ? [problem.detail ?? problem.message, problem.hint] : [];
  const text = sentences(...words);
  error.hidden = !text;
  error.textContent = text && problem.status >= 500 && problem.requestId ? `${text} (${problem.requestId})` : text;
  form.querySelector('[aria-invalid]')?.focus();
}

function showAtField(form, { pointer, detail }) {
  const control = form.elements.namedItem(pointer.split('/').at(-1));
  if (!(control instanceof HTMLElement)) return false;
  const id = uid('error');
  control.setAttribute('aria-invalid', 'true');
  control.setAttribute('aria-describedby', id);
  control.closest('.field')?.append(h('p', { class: 'error', id }, detail));
  return true;
}
