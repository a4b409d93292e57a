/** When an answer leaves, if not now; and what a chat can offer beside words. */
import { snoozeTimes } from '../actions/pickers.js';
import { field, openForm } from '../dialog.js';
import { button, h } from '../dom.js';
import { showWhole } from '../format.js';
import { t } from '../strings.js';

/** @param {(when: {send_at: string, cancel_on_reply: boolean}) => void} pick */
export function askWhen(pick) {
  const times = snoozeTimes(new Date());
  const input = h('input', { type: 'datetime-local', name: 'at', required: true, min: localValue(new Date()), value: localValue(times[2].at) });
  const stop = h('input', { type: 'checkbox', name: 'stop', checked: true });
  const quick = times.map(({ key, at }) => button(t(key), () => { input.value = localValue(at); }, { title: showWhole(at.toISOString()) }));
  openForm({ title: t('Send later'), submit: t('Schedule') }, [h('div', { class: 'row wrap' }, quick), field(t('When'), input), h('label', { class: 'row' }, stop, t('Not if they write before'))], async (values) => {
    if (!(Date.parse(values.at) > Date.now())) throw new Error(t('Choose a time that is to come.'));
    pick({ send_at: new Date(values.at).toISOString(), cancel_on_reply: stop.checked });
  });
}

/** What a `datetime-local` field holds. Pure. @param {Date} date */
export function localValue(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Buttons or a small form, a line each. @param {'choices' | 'form'} kind @param {string} text @param {(part: any) => void} make */
export function askParts(kind, text, make) {
  const question = h('input', { name: 'text', value: text, required: kind === 'choices', maxLength: 500, dir: 'auto' });
  const lines = h('textarea', { name: 'lines', rows: 4, required: true, dir: 'auto' });
  const words = kind === 'choices' ? ['Offer buttons', 'Question', 'Buttons', 'One a line'] : ['Ask by a form', 'Title', 'Fields', 'One a line; a * behind it makes it required'];
  openForm({ title: t(words[0]), submit: t('Add') }, [field(t(words[1]), question), field(t(words[2]), lines, t(words[3]))], async (values) => {
    const named = values.lines.split('\n').map((line) => line.trim()).filter(Boolean).slice(0, 10);
    if (!named.length) throw new Error(t('Nothing is offered yet.'));
    make(kind === 'choices' ? choicePart(values.text, named) : formOf(values.text, named));
  });
}

function choicePart(text, titles) {
  return { type: 'choices', text, options: titles.map((title, at) => ({ id: `c${at + 1}`, title })) };
}

/** @type {[RegExp, string][]} what a label says about its field */
const FIELD_KINDS = [[/e-?mail/i, 'email'], [/phone|mobile|tel\b/i, 'phone'], [/message|describe|details/i, 'textarea']];

function formOf(title, labels) {
  const fields = labels.map((label, at) => ({ name: `f${at + 1}`, label: label.replace(/\s*\*$/, ''), kind: FIELD_KINDS.find(([words]) => words.test(label))?.[1] ?? 'text', required: label.endsWith('*') }));
  return { type: 'form', id: `form${Date.now().toString(36)}`, title: title || null, fields };
}
