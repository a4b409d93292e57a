/** Signing in, by password or with whom the business trusts; a password made anew or first chosen by a mailed link. */
import { buildForm, field, openDialog } from '../dialog.js';
import { ICON, h, icon, mount } from '../dom.js';
import { t } from '../strings.js';

/** @param {HTMLElement} element @param {any} app @param {(session: any) => void} done */
export async function showLogin(element, app, done) {
  const form = h('div', { class: 'column' });
  mount(element, frame(t('signIn'), form));
  document.title = `${t('signIn')} · Switchboard`;
  await fillLogin(form, app, done);
  form.querySelector('input')?.focus();
}

/**
 * Over what is open, when the session has ended: nothing typed is lost.
 * @param {any} app @param {(session: any) => void} done
 */
export function askLogin(app, done) {
  const form = h('div', { class: 'column' });
  const dialog = openDialog({ title: t('sessionOver') }, () => [h('p', { class: 'quiet' }, t('sessionOverExplained')), form]);
  dialog.element.addEventListener('cancel', (event) => event.preventDefault());
  fillLogin(form, app, (session) => { dialog.close(); done(session); }).then(() => form.querySelector('input[type=password]')?.focus());
}

/** Choosing a password by a link that was mailed. @param {HTMLElement} element @param {any} app @param {{page: string, section: string}} route */
export function showPasswordPage(element, app, { page, section }) {
  const invited = page === 'invitation';
  // The token stands behind #, which is sent to no server; where it came in the path it is taken out of the address.
  const token = section || location.hash.slice(1) || new URLSearchParams(location.search).get('token') || '';
  history.replaceState(null, '', `/console/${page}`);
  const title = t(invited ? 'welcome' : 'newPassword');
  document.title = `${title} · Switchboard`;
  if (!token) return mount(element, frame(title, resetForm(app)));
  const password = h('input', { type: 'password', name: 'password', required: true, autocomplete: 'new-password', minLength: 8 });
  const form = buildForm({ submit: t('savePassword') }, [field(t('password'), password, t('passwordHelp'))], async (values) => {
    await app.api.post(`/${invited ? 'invitations' : 'password-resets'}/${encodeURIComponent(token)}`, { password: values.password }, { quiet: true });
    mount(element, frame(title, h('p', null, t('passwordSaved')), h('a', { class: 'button primary', href: '/console' }, t('signIn'))));
  });
  mount(element, frame(title, form));
  password.focus();
}

function frame(title, ...content) {
  return h('main', { class: 'login' }, h('div', { class: 'card column' },
    h('img', { src: ICON, alt: '', width: 40, height: 40 }), h('h1', null, title), ...content));
}

async function fillLogin(element, app, done) {
  const methods = await app.api.get('/session/methods', {}, { quiet: true }).catch(() => ({ password: true, oidc: [] }));
  const others = (methods.oidc ?? []).map((one) => h('a', { class: 'button', href: backTo(one.start_url) }, icon('key'), t('signInWith', { name: one.name })));
  mount(element, methods.password === false ? null : passwordForm(element, app, done),
    others.length > 0 && methods.password !== false && h('p', { class: 'or faint small' }, t('or')), others);
}

function passwordForm(element, app, done) {
  const email = h('input', { type: 'email', name: 'email', required: true, autocomplete: 'username', value: app.store.me?.email ?? '' });
  const password = h('input', { type: 'password', name: 'password', required: true, autocomplete: 'current-password' });
  const form = buildForm({ submit: t('signIn'), done }, [field(t('email'), email), field(t('password'), password)],
    (values) => app.api.post('/session', { email: values.email.trim(), password: values.password }, { quiet: true }));
  const forgotten = h('button', { type: 'button', class: 'link', onclick: () => { mount(element, resetForm(app, email.value)); element.querySelector('input')?.focus(); } }, t('passwordForgotten'));
  return [form, forgotten];
}

function resetForm(app, known = '') {
  const email = h('input', { type: 'email', name: 'email', required: true, autocomplete: 'username', value: known });
  const place = h('div', { class: 'column' });
  mount(place, h('p', { class: 'quiet' }, t('resetExplained')), buildForm({ submit: t('sendLink') }, [field(t('email'), email)], async (values) => {
    await app.api.post('/password-resets', { email: values.email.trim() }, { quiet: true });
    mount(place, h('p', { role: 'status' }, t('linkSent')), h('a', { href: '/console' }, t('backToSignIn')));
  }));
  return place;
}

/** Where to come back to is where one is now; only ever a path of ours. */
function backTo(startUrl) {
  const url = new URL(startUrl, location.origin);
  url.searchParams.set('return_to', location.pathname + location.search);
  return url.href;
}
