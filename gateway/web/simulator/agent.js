/** The agent's half: the console in a frame, and a way in. */
import { h, icon } from '../console/dom.js';
import { ask, conversationWith } from './ask.js';

const LOOK_MS = 400;
const LOOKS = 20;
const CLOCKS_DIFFER_MS = 5000;

/**
 * @param {object} parts
 * @param {any} parts.scenery
 */
export function makeAgent({ scenery }) {
  const { name, email, password } = scenery.login;
  const first = name.split(' ')[0];
  const frame = h('iframe', { title: 'The console, as the agent sees it', class: 'console-frame' });
  const trouble = h('span', { class: 'trouble', role: 'alert' });
  const enter = h('button', { type: 'button', class: 'primary', hidden: true, onclick: signIn }, icon('user'), `Sign in as ${first}`);
  const who = h('p', { class: 'small quiet clip' });
  const head = h('header', { class: 'half-head' }, icon('inbox'), h('h2', null, 'The agent'), who, h('span', { class: 'grow' }), trouble, enter);
  const panel = h('section', { class: 'half agent', 'aria-label': 'The agent' }, head, h('div', { class: 'console-box' }, frame));
  let inside = false;

  async function look() {
    const session = await ask('/v1/session').catch(() => null);
    settle(session);
    frame.src = '/console';
  }

  async function signIn() {
    trouble.textContent = '';
    await ask('/v1/session', { email, password }).then(settle, (error) => (trouble.textContent = error.message));
    frame.src = '/console';
  }

  function settle(session) {
    inside = Boolean(session);
    enter.hidden = inside;
    who.textContent = inside ? `${session.agent.name} · ${session.agent.email}` : `${email} · ${password}`;
  }

  /** Show the conversation with an address in the console, as soon as there is one. */
  async function open(address) {
    const since = Date.now() - CLOCKS_DIFFER_MS;
    if (!inside) settle(await ask('/v1/session').catch(() => null));
    for (let left = LOOKS; inside && left; left -= 1) {
      const id = await conversationWith(address, since).catch(() => null);
      if (id) return go(`/console/c/${id}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return undefined;
  }

  /** Another place in the console, without loading it anew. */
  function go(path) {
    const inner = frame.contentWindow;
    if (!inner || inner.location.pathname === path) return;
    if (!inner.location.pathname.startsWith('/console')) frame.src = path;
    else {
      inner.history.pushState(null, '', path);
      inner.dispatchEvent(new inner.PopStateEvent('popstate'));
    }
  }

  return { panel, look, open, signedIn: () => inside };
}
