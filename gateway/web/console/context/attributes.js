/** What the business keeps of a person, each with a field of its kind; saved when it is left. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';
import { toastProblem } from '../toast.js';

/** @type {Record<string, string>} */
const INPUTS = { number: 'number', date: 'date', email: 'email', phone: 'tel', url: 'url', boolean: 'checkbox' };

/** @param {any} given @param {any[]} definitions */
export function attributeFields(given, definitions) {
  const { contact } = given;
  const known = new Set(definitions.map((one) => one.key));
  const loose = Object.entries(contact.attributes ?? {}).filter(([key]) => !known.has(key));
  const rows = [...definitions.map((one) => [one.name, control(one, contact.attributes?.[one.key], given)]), ...loose.map(([key, value]) => [key, looseControl(key, value, given)])];
  return rows.length ? h('div', { class: 'attributes' }, rows.map(([name, made]) => h('label', {}, h('span', { class: 'faint' }, name), made))) : h('p', { class: 'faint small row' }, icon('info'), t('Nothing is kept of them yet.'));
}

function control(definition, value, given) {
  const save = (next) => keepAttribute(given, definition.key, next);
  const { type, options } = definition;
  if (type === 'select') return h('select', { onchange: (event) => save(event.target.value || null) }, ['', ...options].map((one) => h('option', { value: one, selected: one === (value ?? '') }, one || '–')));
  if (type === 'boolean') return h('input', { type: 'checkbox', checked: value === true, onchange: (event) => save(event.target.checked) });
  const read = { number: (text) => Number(text), multiselect: (text) => text.split(',').map((one) => one.trim()).filter(Boolean) }[type] ?? ((text) => text);
  return attributeField(INPUTS[type] ?? 'text', Array.isArray(value) ? value.join(', ') : value, (text) => save(text ? read(text) : null));
}

function looseControl(key, value, given) {
  return typeof value === 'string' ? attributeField('text', value, (text) => keepAttribute(given, key, text || null)) : h('code', {}, JSON.stringify(value));
}

function attributeField(type, value, save) {
  return h('input', { type, value: value ?? '', placeholder: '–', dir: 'auto', onchange: (event) => save(event.target.value.trim()) });
}

async function keepAttribute({ contact, api, reload }, key, value) {
  await api.patch(`/contacts/${contact.id}`, { attributes: { [key]: value } }).catch(toastProblem);
  await reload();
}
