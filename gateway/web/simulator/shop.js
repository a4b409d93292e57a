/** The shop of the demo: logging in and out as a real shop does it, and the chat told who is there. */
import { ask } from './ask.js';

const KEPT = 'switchboard.shop.account';
const account = /** @type {HTMLButtonElement} */ (document.getElementById('account'));
const order = /** @type {HTMLElement} */ (document.getElementById('order'));

/** The loader's queue: what is said before the chat is there is said again when it is. @param {any[]} words */
function chat(...words) {
  const there = /** @type {any} */ (window);
  there.switchboard ??= Object.assign((...said) => there.switchboard.q.push(said), { q: [] });
  there.switchboard(...words);
}

/** @param {any} user as the shop's server gives it to its page: with the hash that proves them */
function start(user) {
  let inside = localStorage.getItem(KEPT) !== 'out';
  const draw = () => {
    account.textContent = inside ? `Log out ${user.name.split(' ')[0]}` : 'Log in';
    account.hidden = false;
    order.hidden = !inside;
  };
  account.addEventListener('click', () => {
    inside = !inside;
    localStorage.setItem(KEPT, inside ? 'in' : 'out');
    draw();
    if (inside) chat('identify', user);
    else chat('logout');
  });
  draw();
  if (inside) chat('identify', user);
  tellStage(() => inside);
}

/** The page that shows shop and console beside each other wants to know how far the round has come. @param {() => boolean} known */
function tellStage(known) {
  if (parent === window) return;
  let talking = false;
  const tell = (news) => parent.postMessage({ from: 'shop', known: known(), ...news }, location.origin);
  chat('on', 'state', (state) => {
    if (state.talking && !talking) tell({ wrote: true });
    talking = state.talking;
  });
  chat('on', 'message', () => tell({ answered: true }));
}

for (const button of document.querySelectorAll('[data-ask]')) {
  button.addEventListener('click', () => chat('open', button.getAttribute('data-ask')));
}
ask('/sim/api/scenery').then((scenery) => start(scenery.user));
