/** What is done to conversations: the one that is open, or those selected in the list. Each is a command. */
import { callLater } from '../loading.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';

const AT_ONCE = 100;

/** @param {any} app */
export function registerActions(app) {
  const { commands, selection, router, store, bus } = app;
  const change = (type, more = {}, words = '') => changeTargets(app, { type, ...more }, words);
  const some = () => targets(app).length > 0;
  const one = () => targets(app).length === 1;
  const current = () => store.conversation(targets(app)[0]);
  const is = (...states) => () => one() ? states.includes(current()?.status) : selection.size() > 0;
  const never = () => false;
  const add = (id, keys, icon, run, when = some) => commands.register({ id, keys, icon, run, when, title: t(`command_${id}`), group: t('Conversation') });

  add('assign', 'a', 'user', (agent) => callLater('pickAssignee', app, agent, (agent_id, name) => change('assign', { agent_id }, name ? t('Assigned to {name}', { name }) : t('Taken from whoever had it'))));
  add('assign-me', 'm', 'user', () => change('assign', { agent_id: store.me?.id }, t('Assigned to you')), () => some() && Boolean(store.me));
  add('close', 'e', 'check', () => change('close', {}, t('Closed')), is('open', 'pending', 'snoozed', undefined));
  add('reopen', 'shift+e', 'undo', () => change('reopen', {}, t('Reopened')), is('closed', 'pending', 'snoozed'));
  add('snooze', 'z', 'snooze', (until) => callLater('pickSnooze', until, (moment) => change('snooze', { until: moment }, t('Snoozed'))));
  add('tag', 't', 'tag', (tag) => callLater('pickTag', app, tag, (name) => change('tag', { tag: name }, t('Tagged “{tag}”', { tag: name }))));
  add('untag', undefined, 'tag', (tag) => callLater('pickUntag', current(), tag, (name) => change('untag', { tag: name })), () => one() && current()?.tags?.length > 0);
  add('priority', 'p', 'flag', (level) => callLater('pickPriority', level, (priority) => change('priority', { priority })));
  add('read', undefined, 'eye', () => change('read'), () => selection.size() > 0);
  add('unread', 'u', 'dot', () => change('unread'));
  add('merge', undefined, 'merge', () => callLater('pickMerge', app, current(), (into) => merge(app, current().id, into)), one);
  // The composer's, while there is one; the map of the keys names them always.
  add('reply', 'r', 'reply', never, never);
  add('note', 'n', 'lock', never, never);
  add('send', 'mod+enter', 'send', never, never);
  add('clear-selection', 'escape', 'close', () => (selection.size() ? selection.clear() : bus.emit('back')), () => selection.size() > 0 || Boolean(router.route().conversationId));
  add('select', 'x', 'check', () => selection.toggle(app.list.current()), () => Boolean(app.list?.current()));
}

/** @param {any} app @returns {string[]} */
export function targets({ selection, router }) {
  const open = router.route().conversationId;
  return selection.size() ? selection.all() : open ? [open] : [];
}

async function changeTargets(app, change, words) {
  const ids = targets(app);
  const before = ids.map((id) => app.store.conversation(id)).filter(Boolean);
  const refused = await changeAll(app, ids, change);
  if (refused.length) toastProblem({ detail: t('{count} of {of} could not be changed.', { count: refused.length, of: ids.length }), hint: refused[0].problem?.detail });
  else if (words) toast(ids.length > 1 ? `${words} (${ids.length})` : words, { kind: 'ok', action: undoOf(app, change, before) });
  app.selection.clear();
}

/** The list hears of it by its events, what is open is read anew; where no events come, whoever needs to is told. */
async function changeAll({ api, store, router, bus }, ids, change) {
  const refused = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const result = await api.post('/conversations/bulk', { ids: ids.slice(at, at + AT_ONCE), change });
    refused.push(...result.data.filter((item) => !item.ok));
  }
  const open = router.route().conversationId;
  if (ids.includes(open)) store.refreshConversation(open);
  bus.emit('changed');
  return refused;
}

/** What takes a change back, where one change does. */
const BACK = {
  close: () => ({ type: 'reopen' }),
  reopen: () => ({ type: 'close' }),
  snooze: () => ({ type: 'reopen' }),
  tag: ({ tag }) => ({ type: 'untag', tag }),
  assign: (_, [first]) => ({ type: 'assign', agent_id: first?.assignee?.id ?? null }),
};

function undoOf(app, change, before) {
  const same = new Set(before.map((one) => one.assignee?.id)).size === 1;
  const back = (change.type !== 'assign' || same) && before.length ? BACK[change.type]?.(change, before) : null;
  return back && { label: t('Undo'), run: () => changeAll(app, before.map((one) => one.id), back).catch(toastProblem) };
}

async function merge({ api, store, router }, id, into) {
  const result = await api.post(`/conversations/${id}/merge`, { into });
  store.putConversation(result.source);
  store.putConversation(result.target);
  router.open(into);
  const undo = { label: t('Undo'), run: () => api.post(`/conversations/${id}/moves/${result.id}/undo`, {}).then(() => router.open(id)).catch(toastProblem) };
  toast(t('Merged'), { kind: 'ok', action: result.undoable ? undo : undefined });
}
