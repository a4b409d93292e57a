/** Looks, keys, sounds: kept on this device. And one's own password. */
import { chooseNotifications } from '../attention.js';
import { undoSeconds } from '../composer/sending.js';
import { buildForm, field } from '../dialog.js';
import { button, h, mount } from '../dom.js';
import { t } from '../strings.js';
import { toast } from '../toast.js';
import { choose, part } from './part.js';

/** @param {HTMLElement} element @param {any} app */
export function showPreferences(element, { prefs, api, commands }) {
  const toggle = (name, words, help) => checkbox(prefs.get(name), words, (on) => prefs.set(name, on), help);
  const undo = choose('undo', [0, 5, 10, 20, 30].map((seconds) => [String(seconds), seconds ? t('{seconds} seconds', { seconds }) : t('None')]));
  undo.value = String(undoSeconds({ prefs }));
  undo.onchange = () => prefs.set('undo', Number(undo.value));
  mount(element,
    part(t('Looks'), choice(prefs, 'theme', t('Theme'), [['auto', t('As the system')], ['light', t('Light')], ['dark', t('Dark')]]),
      choice(prefs, 'dir', t('Direction'), [['auto', t('Of the language')], ['rtl', t('Right to left')]])),
    part(t('Writing'), field(t('Time to undo a message'), undo, t('So long it waits before it leaves.'))),
    part(t('Keyboard'), toggle('keys', t('Use keys of one letter'), t('Keys of one letter act only where no text is written. Ctrl+K always works.')), h('div', null, button(t('Keyboard shortcuts'), () => commands.run('help')))),
    part(t('Notifications'), checkbox(prefs.get('notify'), t('Notify me of new messages while I am elsewhere'), (on, box) => setNotifications(prefs, on, box)), toggle('sound', t('Sound for new messages'))),
    part(t('Change your password'), changePasswordForm(api)));
}

function choice(prefs, name, label, options) {
  const select = choose(name, options);
  select.value = prefs.get(name);
  select.onchange = () => prefs.set(name, select.value);
  return field(label, select);
}

function checkbox(checked, words, change, help) {
  const box = h('input', { type: 'checkbox', checked, onchange: () => change(box.checked, box) });
  return h('div', { class: 'column' }, h('label', { class: 'row' }, box, words), help && h('p', { class: 'small faint' }, help));
}

async function setNotifications(prefs, on, box) {
  box.checked = await chooseNotifications(prefs, on);
  if (on && !box.checked) toast(t('The browser does not allow notifications for this page.'), { kind: 'bad' });
}

function changePasswordForm(api) {
  const input = (name, complete) => h('input', { type: 'password', name, autocomplete: complete });
  const fields = [field(t('Current password'), input('current_password', 'current-password')), field(t('New password'), input('password', 'new-password'), t('At least 12 characters. A few words that mean nothing together are best.'))];
  return buildForm({ submit: t('Save password') }, fields, async (values, form) => {
    // Every session ended with the old one; the answer holds the new one of this browser.
    api.csrf = (await api.put('/session/password', { current_password: values.current_password, password: values.password })).csrf_token;
    form.reset();
    toast(t('The password is set.'), { kind: 'ok' });
  });
}
