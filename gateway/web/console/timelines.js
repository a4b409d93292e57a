/** The entries of conversations: loaded in pages, grown by events without a hole, with what is still on its way out. */

const ENTRIES_A_PAGE = 50;
const CATCH_UP_PAGE = 200;
/** So many conversations are remembered; the ones not looked at for longest go first. */
const TIMELINES_KEPT = 20;

/**
 * @typedef {object} Timeline
 * @property {any[]} items by `seq`, without holes
 * @property {any[]} pending optimistic entries, oldest first: `{client_message_id, state: 'sending'|'failed', problem?, ...entry}`
 * @property {boolean} loaded
 * @property {boolean} hasEarlier
 * @property {any[]|null} [late] what events brought while a page was on its way, which may not have had it yet
 */

/** @param {{api: any, tell: (key: string, value: any) => void, tellSoon: (key: string, value: any) => void}} parts */
export function createTimelines({ api, tell, tellSoon }) {
  /** @type {Map<string, Timeline>} */
  const kept = new Map();
  const fetching = new Map();

  function of(id) {
    const found = kept.get(id) ?? { items: [], pending: [], loaded: false, hasEarlier: false };
    kept.delete(id); // to the end of the order of use
    kept.set(id, found);
    if (kept.size > TIMELINES_KEPT) kept.delete([...kept.keys()].find((one) => !kept.get(one)?.pending.length) ?? id);
    return found;
  }
  const told = (id) => tell(`entries:${id}`, of(id));

  function merge(id, entries) {
    const timeline = of(id);
    const by = new Map(timeline.items.map((entry) => [entry.id, entry]));
    for (const entry of entries) if ((by.get(entry.id)?.version ?? -1) <= entry.version) by.set(entry.id, entry);
    timeline.items = [...by.values()].sort((one, other) => one.seq - other.seq);
    const here = new Set(entries.map((entry) => entry.client_message_id).filter(Boolean));
    timeline.pending = timeline.pending.filter((entry) => !here.has(entry.client_message_id));
  }

  /** One request at a time for one conversation, so that pages do not overtake each other. */
  function queued(id, work) {
    const next = (fetching.get(id) ?? Promise.resolve()).catch(() => undefined).then(work);
    fetching.set(id, next);
    const done = () => { if (fetching.get(id) === next) fetching.delete(id); };
    next.then(done, done);
    return next;
  }

  async function catchUp(id, seq) {
    const timeline = kept.get(id);
    if (!timeline?.loaded || lastSeq(timeline) >= seq) return;
    await queued(id, async () => {
      for (let more = true; more && lastSeq(timeline) < seq; ) {
        const page = await api.get(`/conversations/${id}/entries`, { after_seq: lastSeq(timeline), limit: CATCH_UP_PAGE });
        merge(id, page.data);
        more = page.page.has_more;
      }
    }).catch(() => undefined);
    told(id);
  }

  const methods = {
    /** @param {string} id @returns {Timeline} */
    entries: of,
    /** @param {string} id @param {{anew?: boolean}} [how] @returns {Promise<Timeline>} the latest page, once */
    async loadEntries(id, { anew = false } = {}) {
      if (of(id).loaded && !anew) return of(id);
      await queued(id, async () => {
        const timeline = of(id);
        if (timeline.loaded && !anew) return;
        const late = (timeline.late = []);
        const page = await api.get(`/conversations/${id}/entries`, { limit: ENTRIES_A_PAGE }).finally(() => { timeline.late = null; });
        timeline.items = [];
        Object.assign(timeline, { loaded: true, hasEarlier: page.page.has_more });
        merge(id, page.data);
        late.forEach(takeEntry);
      });
      told(id);
      return of(id);
    },
    /** @param {string} id @param {number} [limit] @returns {Promise<Timeline>} with the page before */
    async loadEarlier(id, limit = ENTRIES_A_PAGE) {
      await queued(id, async () => {
        const timeline = of(id);
        if (!timeline.hasEarlier) return;
        const page = await api.get(`/conversations/${id}/entries`, { before_seq: timeline.items[0].seq, limit });
        timeline.hasEarlier = page.page.has_more;
        merge(id, page.data);
      });
      told(id);
      return of(id);
    },
    /** What was just written, before the gateway has it. @param {string} id @param {any} entry with `client_message_id` */
    addPending(id, entry) {
      of(id).pending.push({ state: 'sending', ...entry });
      told(id);
    },
    /** @param {string} id @param {string} clientId @param {any} change as {state: 'failed', problem} */
    changePending(id, clientId, change) {
      for (const entry of of(id).pending) if (entry.client_message_id === clientId) Object.assign(entry, change);
      told(id);
    },
    /** @param {string} id @param {string} clientId */
    dropPending(id, clientId) {
      of(id).pending = of(id).pending.filter((entry) => entry.client_message_id !== clientId);
      told(id);
    },
    /** An entry that an answer brought. @param {any} entry */
    putEntry: (entry) => takeEntry(entry),
  };

  function takeEntry(entry) {
    const timeline = kept.get(entry.conversation_id);
    if (!timeline) return;
    timeline.late?.push(entry);
    if (timeline.loaded && entry.seq > lastSeq(timeline) + 1) return void catchUp(entry.conversation_id, entry.seq);
    const tooEarly = timeline.items.length > 0 && entry.seq < timeline.items[0].seq;
    if (!timeline.loaded || tooEarly) return;
    merge(entry.conversation_id, [entry]);
    tellSoon(`entries:${entry.conversation_id}`, timeline);
  }

  return {
    methods,
    takeEntry,
    catchUp,
    forget(open) {
      for (const id of [...kept.keys()]) if (id !== open && !kept.get(id)?.pending.length) kept.delete(id);
    },
  };
}

const lastSeq = (timeline) => timeline.items.at(-1)?.seq ?? 0;
