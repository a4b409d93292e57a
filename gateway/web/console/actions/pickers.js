/** Choosing what a change needs: a person, a tag, a time, another conversation. Given already, nothing is asked. */
import { openForm, field } from '../dialog.js';
import { h } from '../dom.js';
import { now, showWhole, whoIn } from '../format.js';
import { matches, openPicker } from '../picker.js';
import { t } from '../strings.js';

const MORNING = 9;
const LEVELS = ['urgent', 'high', 'normal', 'low'];

/** @param {any} app @param {string|null|undefined} given @param {(agentId: string|null, name: string|null) => void} done */
export function pickAssignee({ store }, given, done) {
  if (given !== undefined) return done(given, store.get('agents').get(given)?.name ?? null);
  const online = store.get('online');
  const agents = [...store.get('agents').values()].sort((one, other) => one.name.localeCompare(other.name));
  const choice = (agent) => ({
    title: agent.name, icon: 'user', pick: () => done(agent.id, agent.name),
    detail: agent.id === store.me?.id ? t('you') : online.get(agent.id) === 'online' ? t('Online') : agent.email,
  });
  const nobody = { title: t('Nobody'), icon: 'close', pick: () => done(null, null) };
  const find = (text) => [...agents.filter((agent) => matches(`${agent.name} ${agent.email}`, text)).map(choice), ...(text ? [] : [nobody])];
  openPicker({ title: t('Assign to somebody'), placeholder: t('Name or address'), find });
}

/** @param {any} app @param {string|undefined} given @param {(tag: string) => void} done */
export async function pickTag({ api }, given, done) {
  if (given) return done(given);
  const counted = await api.get('/conversations/counts', { by: 'tag' }).catch(() => ({ data: [] }));
  const known = counted.data.filter((one) => one.key).map((one) => ({ title: one.key, detail: String(one.count), icon: 'tag', pick: () => done(one.key) }));
  openPicker({
    title: t('Add a tag'), placeholder: t('Find a tag or make a new one'),
    find(text) {
      const found = known.filter((one) => matches(one.title, text));
      const made = text && !known.some((one) => one.title === text) ? [{ title: t('New tag “{tag}”', { tag: text }), icon: 'plus', pick: () => done(text) }] : [];
      return [...found, ...made];
    },
  });
}

/** @param {any} conversation @param {string|undefined} given @param {(tag: string) => void} done */
export function pickUntag(conversation, given, done) {
  if (given) return done(given);
  const choices = conversation.tags.map((tag) => ({ title: tag, icon: 'tag', pick: () => done(tag) }));
  openPicker({ title: t('Remove a tag'), placeholder: t('Find a tag or make a new one'), find: (text) => choices.filter((one) => matches(one.title, text)) });
}

/** @param {string|null|undefined} given @param {(level: string|null) => void} done */
export function pickPriority(given, done) {
  if (given !== undefined) return done(given);
  const choices = [...LEVELS.map((level) => ({ title: t(`priority_${level}`), icon: 'flag', pick: () => done(level) })), { title: t('Automatic'), icon: 'undo', pick: () => done(null) }];
  openPicker({ title: t('Set priority'), placeholder: t('Level'), find: (text) => choices.filter((one) => matches(one.title, text)) });
}

/** @param {string|undefined} given @param {(until: string) => void} done */
export function pickSnooze(given, done) {
  if (given) return done(given);
  const choices = snoozeTimes(new Date(now())).map(({ key, at }) => ({ title: t(key), detail: showWhole(at.toISOString()), icon: 'snooze', pick: () => done(at.toISOString()) }));
  const own = { title: t('Another time'), icon: 'calendar', pick: () => askMoment(done) };
  openPicker({ title: t('Snooze'), placeholder: t('When'), find: (text) => [...choices, own].filter((one) => matches(one.title, text)) });
}

/** The moments one snoozes to, after a moment. Pure. @param {Date} from */
export function snoozeTimes(from) {
  const morning = (days) => new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, MORNING);
  return [
    { key: 'snooze_hour', at: new Date(from.getTime() + 3_600_000) },
    { key: 'snooze_later', at: new Date(from.getTime() + 3 * 3_600_000) },
    { key: 'snooze_tomorrow', at: morning(1) },
    { key: 'snooze_monday', at: morning((8 - from.getDay()) % 7 || 7) },
    { key: 'snooze_month', at: morning(30) },
  ];
}

function askMoment(done) {
  const input = h('input', { type: 'datetime-local', name: 'until', required: true });
  openForm({ title: t('Another time'), submit: t('Snooze') }, [field(t('Until'), input)], async ({ until }) => {
    if (!until) throw new Error(t('Choose a day and a time.'));
    done(new Date(until).toISOString());
  });
}

/** @param {any} app @param {any} conversation @param {(into: string) => void} done */
export function pickMerge({ api }, conversation, done) {
  const ask = (other) => openForm({ title: t('Merge into this conversation?'), submit: t('Merge') }, [h('p', null, t('Everything said here moves into #{number} with {name}. It can be undone.', { name: whoIn(other), number: other.number }))], async () => done(other.id));
  const title = (one) => `${whoIn(one)} — ${one.subject || one.preview}`;
  openPicker({
    title: t('Merge into another conversation'), placeholder: t('Words, a name, an address'),
    async find(text) {
      const params = text ? { q: text } : { contact: conversation.contact.id };
      const page = await api.get('/conversations', { ...params, limit: 10 }).catch(() => ({ data: [] }));
      return page.data.filter((one) => one.id !== conversation.id).map((one) => ({ title: title(one), detail: `#${one.number}`, icon: one.channels[0] ?? 'message', pick: () => ask(one) }));
    },
  });
}
