/** What an empty list says: that all is done, that nothing was found, or how to begin. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';

const DOCS = '/docs';

/** @param {{view: string, q: string}} listed @param {any} app */
export function showEmpty({ view, q }, app) {
  const { store } = app;
  if (q) return empty('search', t('foundNothing'), t('foundNothingHelp'), button(t('clearSearch'), () => app.router.go({ view })));
  if (store.get('channelsLoaded') && !store.get('channels').length) return firstSteps(app);
  const words = { open: 'emptyOpen', mine: 'emptyMine', unassigned: 'emptyUnassigned', waiting: 'emptyWaiting', snoozed: 'emptySnoozed', closed: 'emptyClosed' }[view] ?? 'emptyView';
  const done = view === 'open' || view === 'waiting' || view === 'unassigned';
  return empty(done ? 'check' : 'inbox', t(words), t(`${words}Help`), tryIt(app));
}

/** No channel yet: what to do, in the order in which it is done. */
function firstSteps(app) {
  const step = (number, title, text, action) => h('li', { class: 'row step' }, h('span', { class: 'avatar' }, number), h('div', { class: 'grow' }, h('h3', null, title), h('p', { class: 'quiet small' }, text), action));
  return h('div', { class: 'first' }, h('h2', null, t('firstTitle')), h('p', { class: 'quiet' }, t('firstText')), h('ol', { class: 'column' },
    app.simulator() && step(1, t('firstTry'), t('firstTryText'), h('a', { href: '/sim' }, t('openSimulator'))),
    step(app.simulator() ? 2 : 1, t('firstChannel'), t('firstChannelText'), button(t('connectChannel'), () => app.router.go({ page: 'settings', section: 'channels' }))),
    step(app.simulator() ? 3 : 2, t('firstDocs'), t('firstDocsText'), h('a', { href: DOCS }, t('openDocs')))));
}

const tryIt = (app) => (app.simulator() ? h('a', { class: 'button', href: '/sim' }, t('openSimulator')) : button(t('newConversation'), () => app.commands.run('new-conversation')));
const button = (label, onclick) => h('button', { type: 'button', onclick }, label);
const empty = (name, title, text, action) => h('div', { class: 'empty' }, icon(name), h('h2', null, title), h('p', null, text), action);

/** What the thread shows while no conversation is open. @param {any} app */
export function showNothingOpen({ store }) {
  const keys = (key, words) => h('li', { class: 'row' }, h('kbd', null, key), h('span', { class: 'quiet' }, t(words)));
  const none = !store.get('list')?.ids?.length;
  return h('div', { class: 'empty' }, icon('message'), h('h2', null, t(none ? 'nothingHere' : 'nothingOpen')),
    !none && h('ul', { class: 'column hintkeys' }, keys('J', 'nextConversation'), keys('K', 'previousConversation'), keys('?', 'command_help')));
}
