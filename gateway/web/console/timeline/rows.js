/** From entries to what stands below one another: days, the unread mark, folded events, messages in groups. Pure. */

const GROUP_MS = 5 * 60_000

/**
 * @typedef {{key: string, kind: 'day', at: string}
 *   | {key: string, kind: 'new'}
 *   | {key: string, kind: 'events', entries: any[]}
 *   | {key: string, kind: 'entry', entry: any, head: boolean, tail: boolean, hop: boolean}} Row
 */

/**
 * `head` and `tail` say that a message begins or ends a group of its author's, `hop` that it came by another channel than the one before.
 * @param {any[]} entries by seq, the oldest first
 * @param {{newFrom?: number | null, zone?: string}} [options] `newFrom` is the seq of the first unread entry
 * @returns {Row[]}
 */
export function buildRows(entries, { newFrom = null, zone } = {}) {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
  const state = { rows: /** @type {Row[]} */ ([]), day: '', days: new Set(), last: /** @type {any} */ (null), channel: '', named: false, newFrom };
  for (const entry of entries) {
    markDay(state, entry, day.format(new Date(entry.occurred_at)));
    markNew(state, entry);
    if (entry.type === 'event') addEvent(state, entry);
    else addEntry(state, entry);
  }
  return state.rows;
}

/**
 * The seq of the first of the last `unread` messages of the contact, or null.
 * @param {any[]} entries @param {number} unread
 */
export function firstUnread(entries, unread) {
  const theirs = entries.filter((entry) => entry.type === 'message' && entry.direction === 'inbound');
  return unread > 0 ? theirs.at(-unread)?.seq ?? theirs[0]?.seq ?? null : null;
}

function markDay(state, entry, day) {
  if (day === state.day) return;
  const again = state.days.has(day) ? `:${entry.id}` : ''; // what came late is of a day that has passed
  state.days.add(day);
  state.rows.push({ key: `day:${day}${again}`, kind: 'day', at: entry.occurred_at });
  state.day = day;
  state.last = null;
}

function markNew(state, entry) {
  if (state.newFrom === null || entry.seq < state.newFrom) return;
  state.rows.push({ key: 'new', kind: 'new' });
  state.newFrom = state.last = null;
}

function addEvent(state, entry) {
  const before = state.rows.at(-1);
  if (before?.kind === 'events') before.entries.push(entry);
  else state.rows.push({ key: `events:${entry.id}`, kind: 'events', entries: [entry] });
  state.last = null;
}

function addEntry(state, entry) {
  const channel = entry.channel?.channel_id ?? state.channel;
  const hop = channel !== state.channel;
  const { last } = state;
  const head = hop || !last || last.type !== entry.type || last.direction !== entry.direction
    || authorOf(last) !== authorOf(entry) || Date.parse(entry.occurred_at) - Date.parse(last.occurred_at) > GROUP_MS;
  const before = state.rows.at(-1);
  if (!head && before?.kind === 'entry') before.tail = false;
  state.rows.push({ key: entry.key ?? entry.id, kind: 'entry', entry, head, tail: true, hop });
  state.channel = channel;
  state.last = entry;
}

function authorOf(entry) {
  return entry.author.id ?? entry.author.address ?? entry.author.name;
}
