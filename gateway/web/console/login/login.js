/** Signing in, by password or with whom the business trusts; a password made anew or first chosen by a mailed link. */
import { buildForm, field, openDialog } from '../dialog.js';
import { ICON, button, h, icon, mount } from '../dom.js';
import { t } from '../strings.js';

/** @param {HTMLElement} element @param {any} app @param {(session: any) => void} done */
export async function showLogin(element, app, done) {
  const form = h('div', { class: 'column' });
  mount(element, frame(t('Sign in'), comesBackWithout(), form));
  document.title = `${t('Sign in')} · Switchboard`;
  await fillLogin(form, app, done);
  form.querySelector('input')?.focus();
}

/** Why an identity provider's way ended here again; told once. */
function comesBackWithout() {
  const code = new URLSearchParams(location.search).get('signin_error');
  if (!code) return null;
  history.replaceState(null, '', location.pathname);
  return h('p', { class: 'error', role: 'alert' }, t(code === 'dependency_down' ? 'The sign-in service does not answer. Try again in a minute.'
    : 'You were not let in. Ask an administrator whether you are one of the team, with the address you signed in with.'));
}

/**
 * Over what is open, when the session has ended: nothing typed is lost.
 * @param {any} app @param {(session: any) => void} done
 */
export function askLogin(app, done) {
  const form = h('div', { class: 'column' });
  const dialog = openDialog({ title: t('Please sign in again'), stays: true }, () => [h('p', { class: 'quiet' }, t('Your session has ended. What you were writing is still here.')), form]);
  const finish = (session) => { removeEventListener('focus', look); dialog.close(); done(session); };
  // It may have been done on another page meanwhile.
  const look = () => app.api.get('/session', {}, { quiet: true }).then(finish, () => undefined);
  addEventListener('focus', look);
  fillLogin(form, app, finish).then(() => form.querySelector('input[type=password]')?.focus());
}

/** Choosing a password by a link that was mailed. @param {HTMLElement} element @param {any} app @param {{page: string, section: string}} route */
export function showPasswordPage(element, app, { page, section }) {
  const invited = page === 'invitation';
  // The token stands behind #, which is sent to no server; where it came in the path it is taken out of the address.
  const token = section || location.hash.slice(1) || new URLSearchParams(location.search).get('token') || '';
  history.replaceState(null, '', `/console/${page}`);
  const title = t(invited ? 'Welcome to Switchboard' : 'New password');
  document.title = `${title} · Switchboard`;
  if (!token) return mount(element, frame(title, resetForm(app)));
  const password = h('input', { type: 'password', name: 'password', required: true, autocomplete: 'new-password' });
  const form = buildForm({ submit: t('Save password') }, [field(t('Password'), password, t('At least 12 characters. A few words that mean nothing together are best.'))], async (values) => {
    await app.api.post(invited ? '/invitations/accept' : '/password-resets/complete', { token, password: values.password }, { quiet: true });
    mount(element, frame(title, h('p', null, t('The password is set.')), h('a', { class: 'button primary', href: '/console' }, t('Sign in'))));
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
  const others = (methods.oidc ?? []).map((one) => h('a', { class: 'button', href: backTo(one.start_url) }, icon('key'), t('Continue with {name}', { name: one.name })));
  mount(element, refusal(), methods.password === false ? null : passwordForm(element, app, done),
    others.length > 0 && methods.password !== false && h('p', { class: 'or faint small' }, t('or')), others);
}

/** Why the identity provider's way led nowhere, said once to who comes back from there. */
function refusal() {
  const code = new URLSearchParams(location.search).get('signin_error');
  if (!code) return null;
  history.replaceState(null, '', location.pathname);
  return h('p', { class: 'error', role: 'alert' }, t(REFUSALS[code] ?? 'Signing in failed. Try again.'));
}

const REFUSALS = {
  dependency_down: 'The identity provider cannot be reached at the moment. Try again later.',
  quota_exceeded: 'Too many tries. Wait a few minutes.',
  signin_refused: 'You were not let in. Ask an administrator whether you are an agent here, with the address you have there.',
};

function passwordForm(element, app, done) {
  const email = h('input', { type: 'email', name: 'email', required: true, autocomplete: 'username', value: app.store.me?.email ?? '' });
  const password = h('input', { type: 'password', name: 'password', required: true, autocomplete: 'current-password' });
  const form = buildForm({ submit: t('Sign in'), done }, [field(t('E-mail'), email), field(t('Password'), password)],
    (values) => app.api.post('/session', { email: values.email.trim(), password: values.password }, { quiet: true }));
  const forgotten = button(t('Forgot your password?'), () => { mount(element, resetForm(app, email.value)); element.querySelector('input')?.focus(); }, { class: 'link' });
  return [form, forgotten];
}

function resetForm(app, known = '') {
  const email = h('input', { type: 'email', name: 'email', required: true, autocomplete: 'username', value: known });
  const place = h('div', { class: 'column' });
  mount(place, h('p', { class: 'quiet' }, t('We mail a link by which you choose a new one.')), buildForm({ submit: t('Send the link') }, [field(t('E-mail'), email)], async (values) => {
    await app.api.post('/password-resets', { email: values.email.trim() }, { quiet: true });
    mount(place, h('p', { role: 'status' }, t('If somebody has this address, a link is on its way. It is good for one use.')), h('a', { href: '/console' }, t('Back to signing in')));
  }));
  return place;
}

/** Where to come back to is where one is now; only ever a path of ours. */
function backTo(startUrl) {
  const url = new URL(startUrl, location.origin);
  url.searchParams.set('return_to', location.pathname + location.search);
  return url.href;
}
