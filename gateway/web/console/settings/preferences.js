/** Looks, keys, sounds: kept on this device. And one's own password. */
import { chooseNotifications } from '../attention.js';
import { buildForm, field } from '../dialog.js';
import { h, mount } from '../dom.js';
import { t } from '../strings.js';
import { toast } from '../toast.js';
import { part } from './part.js';

/** @param {HTMLElement} element @param {any} app */
export function showPreferences(element, { prefs, api, commands }) {
  mount(element,
    part(t('looks'), choice(prefs, 'theme', t('theme'), { auto: t('theme_auto'), light: t('theme_light'), dark: t('theme_dark') }),
      choice(prefs, 'dir', t('direction'), { auto: t('direction_auto'), rtl: t('direction_rtl') }), field(t('language'), h('select', null, h('option', null, 'English')), t('languageHelp'))),
    part(t('keyboard'), toggle(prefs, 'keys', t('keysOn'), t('keysHelp')), h('div', null, h('button', { type: 'button', onclick: () => commands.run('help') }, t('command_help')))),
    part(t('attention'), notifications(prefs), toggle(prefs, 'sound', t('soundOn'))),
    part(t('changePassword'), passwordForm(api)));
}

function choice(prefs, name, label, options) {
  const select = h('select', { onchange: () => prefs.set(name, select.value) }, Object.entries(options).map(([value, words]) => h('option', { value, selected: prefs.get(name) === value }, words)));
  return field(label, select);
}

function toggle(prefs, name, label, help) {
  const box = h('input', { type: 'checkbox', checked: prefs.get(name), onchange: () => prefs.set(name, box.checked) });
  return h('div', { class: 'column' }, h('label', { class: 'row' }, box, label), help && h('p', { class: 'small faint' }, help));
}

function notifications(prefs) {
  const box = h('input', { type: 'checkbox', checked: prefs.get('notify'), onchange: change });
  async function change() {
    const wanted = box.checked;
    box.checked = await chooseNotifications(prefs, wanted);
    if (wanted && !box.checked) toast(t('notifyRefused'), { kind: 'bad' });
  }
  return h('label', { class: 'row' }, box, t('notifyOn'));
}

function passwordForm(api) {
  const input = (name, complete) => h('input', { type: 'password', name, required: true, autocomplete: complete });
  const fields = [field(t('currentPassword'), input('current_password', 'current-password')), field(t('newPassword'), input('password', 'new-password'), t('passwordHelp'))];
  return buildForm({ submit: t('savePassword') }, fields, async (values, form) => {
    // Every session ended with the old one; the answer holds the new one of this browser.
    api.csrf = (await api.put('/session/password', { current_password: values.current_password, password: values.password })).csrf_token;
    form.reset();
    toast(t('passwordSaved'), { kind: 'ok' });
  });
}
