/** Contacts who may be the same person: why, what a merge would do, and its undo. */
import { button, h, icon } from '../dom.js';
import { openForm } from '../dialog.js';
import { t, tCount } from '../strings.js';
import { toast, toastProblem } from '../toast.js';

/** @param {any} given @param {any[]} found */
export function duplicateCards(given, found) {
  return found.map(({ contact, because, score }) => h('div', { class: 'duplicate' }, icon('merge'),
    h('div', { class: 'grow' }, h('p', {}, h('strong', {}, h('bdi', {}, contact.name ?? contact.identities[0]?.address ?? contact.id)), ' ', t('may be the same person')),
      h('p', { class: 'small quiet', title: String(score) }, because.join(', '))),
    button(t('Compare'), () => previewMerge(given, contact))));
}

async function previewMerge({ api, contact, reload }, other) {
  const order = { from: other.id, into: contact.id };
  const told = await api.post('/contacts/merge/preview', order).catch(toastProblem);
  if (!told) return;
  const seen = { ...order, from_version: told.from.version, into_version: told.into.version };
  openForm({ title: t('Merge these two?'), wide: true, submit: t('Merge') }, [comparison(told)], async (values) => {
    const made = await api.post('/contacts/merge', { ...seen, choices: choicesOf(told.fields, values) });
    await reload();
    const undo = () => api.post('/contacts/unmerge', { merge_id: made.id }).then(reload, toastProblem);
    toast(t('They are one now'), { kind: 'ok', action: { label: t('Undo'), run: undo } });
  });
}

function comparison(told) {
  const moves = [tCount(told.identities.length, '{n} address', '{n} addresses'), tCount(told.conversations.total, '{n} conversation', '{n} conversations')];
  return h('div', { class: 'column' },
    told.warnings.map((one) => h('p', { class: 'chip warn' }, icon('alert'), one.detail)),
    h('table', { class: 'compare' }, h('thead', {}, h('tr', {}, [t('Field'), told.into.name ?? told.into.id, told.from.name ?? told.from.id].map((words) => h('th', { scope: 'col' }, words)))), h('tbody', {}, told.fields.map(fieldRow))),
    h('p', { class: 'quiet' }, t('{what} move over.', { what: moves.join(', ') }), told.opt_outs.length > 0 && ` ${t('Opt-outs stay in force.')}`));
}

function fieldRow(one) {
  const cell = (side) => h('td', {}, h('label', { class: 'row' }, one.conflict && h('input', { type: 'radio', name: one.pointer, value: side, checked: one.taken === side }), h('span', {}, one[side] === null ? '–' : String(one[side]))));
  return h('tr', {}, h('th', { scope: 'row', title: one.because }, one.pointer.split('/').at(-1)), cell('into'), cell('from'));
}

/** What was chosen, as the API wants it: by field, and by key for attributes and external ids. Pure. @param {any[]} fields @param {Record<string, string>} values by pointer */
export function choicesOf(fields, values) {
  const choices = {};
  for (const { pointer, conflict } of fields) {
    const [name, key] = pointer.slice(1).split('/');
    if (!conflict || !values[pointer]) continue;
    if (key === undefined) choices[name] = values[pointer];
    else choices[name] = { ...choices[name], [key]: values[pointer] };
  }
  return choices;
}
