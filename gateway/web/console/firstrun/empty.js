/** What an empty list says: that all is done, that nothing was found, or how to begin. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';

const DOCS = '/docs';

/** @param {{view: string, q: string}} listed @param {any} app */
export function showEmpty({ view, q }, app) {
  const { store } = app;
  if (q) return emptyPage('search', t('Nothing found'), t('Try fewer words, or look among closed ones with is:closed.'), plainButton(t('Clear the search'), () => app.router.go({ view })));
  if (store.get('channelsLoaded') && !store.get('channels').length) return firstSteps(app);
  const words = { open: 'emptyOpen', mine: 'emptyMine', unassigned: 'emptyUnassigned', waiting: 'emptyWaiting', snoozed: 'emptySnoozed', closed: 'emptyClosed' }[view] ?? 'emptyView';
  const done = view === 'open' || view === 'waiting' || view === 'unassigned';
  return emptyPage(done ? 'check' : 'inbox', t(words), t(`${words}Help`), tryIt(app));
}

/** No channel yet: what to do, in the order in which it is done. */
function firstSteps(app) {
  const step = (number, title, text, action) => h('li', { class: 'row step' }, h('span', { class: 'avatar' }, number), h('div', { class: 'grow' }, h('h3', null, title), h('p', { class: 'quiet small' }, text), action));
  return h('div', { class: 'first' }, h('h2', null, t('Let’s get your first message')), h('p', { class: 'quiet' }, t('Switchboard puts what people write on any channel into one list. Connect the first to begin.')), h('ol', { class: 'column' },
    app.simulator() && step(1, t('Try it without an account'), t('The simulator is your customers’ phone, mailbox and browser: write from there and see it arrive here.'), h('a', { href: '/sim' }, t('Open the simulator'))),
    step(app.simulator() ? 2 : 1, t('Connect a channel'), t('A phone number, a mailbox, or a chat on your site. Each shows what is left to set up.'), plainButton(t('Connect a channel'), () => app.router.go({ page: 'settings', section: 'channels' }))),
    step(app.simulator() ? 3 : 2, t('Read how it is built'), t('Everything this console does is in the public API.'), h('a', { href: DOCS }, t('Open the documentation')))));
}

const tryIt = (app) => (app.simulator() ? h('a', { class: 'button', href: '/sim' }, t('Open the simulator')) : plainButton(t('New conversation'), () => app.commands.run('new-conversation')));
const plainButton = (label, onclick) => h('button', { type: 'button', onclick }, label);
const emptyPage = (name, title, text, action) => h('div', { class: 'empty' }, icon(name), h('h2', null, title), h('p', null, text), action);

/** What the thread shows while no conversation is open. @param {any} app */
export function showNothingOpen({ store }) {
  const keys = (key, words) => h('li', { class: 'row' }, h('kbd', null, key), h('span', { class: 'quiet' }, t(words)));
  const none = !store.get('list')?.ids?.length;
  return h('div', { class: 'empty' }, icon('message'), h('h2', null, t(none ? 'Nothing to read' : 'Choose a conversation')),
    !none && h('ul', { class: 'column hintkeys' }, keys('J', 'Next conversation'), keys('K', 'Previous conversation'), keys('?', 'command_help')));
}
