/** What the page knows: conversations, their entries, people. Answers and live events go in; whoever subscribed is told. */
import { createBus } from './bus.js';
import { createTimelines } from './timelines.js';

const WORDS_OF_A_MOMENT_MS = 8000;
const SETTLE_MS = 250;
const FRAME_MS = 16;
/** So many conversations are remembered beside those in the list. */
const CONVERSATIONS_KEPT = 500;

/**
 * @param {{api: ReturnType<typeof import('./api.js').createApi>, bus: import('./bus.js').Bus}} parts
 */
export function createStore({ api, bus }) {
  const { on: subscribe, emit: tell, heard } = createBus();
  const values = /** @type {Record<string, any>} */ ({ me: null, agents: new Map(), channels: [], channelTypes: [], views: [], counts: new Map(), online: new Map(), list: /** @type {any} */ (null), meta: null });
  /** @type {Map<string, any>} */
  const conversations = new Map();
  const refreshes = new Map();

  const tellSoon = onceAFrame(tell);
  const timelines = createTimelines({ api, tell, tellSoon });

  const store = {
    ...timelines.methods,
    subscribe,
    /** @param {string} key one of the plain ones: me, agents, channels, ... */
    get: (key) => values[key],
    /** @param {string} key @param {any} value */
    set(key, value) {
      values[key] = value;
      tell(key, value);
    },
    get me() { return values.me; },
    /** @param {string} id */
    conversation: (id) => conversations.get(id),
    /** Keep what is newer; `partial` holds only what a list needs. @param {any} found @param {{partial?: boolean}} [how] */
    putConversation(found, { partial = false } = {}) {
      const known = conversations.get(found.id);
      if (known && known.version > found.version) return known;
      const kept = partial ? { ...known, ...found, partial: !known || known.partial } : { ...found, partial: false };
      // A highlight belongs to the search that found it, and stays while that is shown.
      if (!kept.highlight && known?.highlight) kept.highlight = known.highlight;
      conversations.set(found.id, kept);
      forgetSome();
      (partial ? tellSoon : tell)(`conversation:${found.id}`, kept);
      tell('conversation', kept);
      return kept;
    },
    /** @param {string} id @returns {Promise<any>} the whole of it, anew */
    async loadConversation(id) {
      return store.putConversation(await api.get(`/conversations/${id}`));
    },
    /** Load it once the events that come together are through. @param {string} id */
    refreshConversation(id) {
      clearTimeout(refreshes.get(id));
      refreshes.set(id, setTimeout(() => {
        refreshes.delete(id);
        store.loadConversation(id).catch(() => undefined);
      }, SETTLE_MS));
    },
    /** An envelope of the feed. @param {any} event */
    take(event) {
      const { conversation, entry } = event.data;
      if (conversation) {
        const known = store.putConversation(withMedium(conversation, conversations.get(conversation.id), entry), { partial: true });
        // The way an answer takes is told by no event: whoever shows the whole of it needs it anew.
        if (heard(`conversation:${known.id}`)) store.refreshConversation(known.id);
      }
      if (entry) timelines.takeEntry(entry);
      else if (event.conversation_id && event.seq) timelines.catchUp(event.conversation_id, event.seq);
    },
    /** Everything may have changed: forget what is not looked at, and read that anew. @param {string|null} open */
    async reset(open) {
      timelines.forget(open);
      if (!open) return;
      const [found] = await Promise.allSettled([store.loadConversation(open), store.loadEntries(open, { anew: true })]);
      if (found.status === 'fulfilled' || found.reason.status !== 404) return;
      conversations.delete(open);
      timelines.forget(null);
      bus.emit('gone', open);
    },
    /** Typing, viewing and presence: true for a moment only. @param {any} event */
    takeMoment(event) {
      MOMENTS[event.type]?.(store, event, tell);
    },
    /** Who types in a conversation, but me. @param {string} id @returns {any[]} */
    typing: (id) => [...(moments.get(`typing:${id}`)?.values() ?? [])],
    /** Who has a conversation open, but me. @param {string} id @returns {{id: string, name: string, state: string}[]} */
    viewers: (id) => moments.get(`viewers:${id}`) ?? [],
    moments: new Map(),
  };
  const moments = store.moments;
  bus.on('live', store.takeMoment);

  /** Of what neither the list nor a part of the page shows, the oldest half goes: a page may be open for weeks. */
  function forgetSome() {
    if (conversations.size <= (values.list?.ids.length ?? 0) + CONVERSATIONS_KEPT) return;
    const shown = new Set(values.list?.ids);
    const idle = [...conversations.keys()].filter((id) => !shown.has(id) && !heard(`conversation:${id}`));
    for (const id of idle.slice(0, -CONVERSATIONS_KEPT / 2)) conversations.delete(id);
  }
  return store;
}

/** What events change is told once a frame, as it is then: after an outage thousands come at once. */
function onceAFrame(tell) {
  const waiting = new Map();
  const flush = () => {
    const told = [...waiting];
    waiting.clear();
    for (const [key, value] of told) tell(key, value);
  };
  return (key, value) => {
    if (!waiting.size) setTimeout(flush, FRAME_MS);
    waiting.set(key, value);
  };
}

const MOMENTS = {
  'typing.started': (store, event, tell) => setTyping(store, event, true, tell),
  'typing.stopped': (store, event, tell) => setTyping(store, event, false, tell),
  'conversation.viewing'(store, event, tell) {
    const key = `viewers:${event.conversation_id}`;
    const others = (event.viewers ?? []).filter((viewer) => viewer.id !== store.me?.id);
    if (others.length) store.moments.set(key, others);
    else store.moments.delete(key);
    tell(key, others);
  },
  'presence.changed'(store, event) {
    const online = new Map(store.get('online'));
    online.set(event.actor.id, event.state);
    store.set('online', online);
  },
};

function setTyping(store, event, on, tell) {
  if (event.actor.id && event.actor.id === store.me?.id) return;
  const key = `typing:${event.conversation_id}`;
  const typing = store.moments.get(key) ?? new Map();
  store.moments.set(key, typing);
  const who = event.actor.id ?? event.actor.type;
  clearTimeout(typing.get(who)?.timer);
  if (!on) typing.delete(who);
  // Whoever goes away without a word stops typing by themselves.
  else typing.set(who, { actor: event.actor, timer: setTimeout(() => setTyping(store, event, false, tell), WORDS_OF_A_MOMENT_MS) });
  if (!typing.size) store.moments.delete(key);
  tell(key, [...typing.values()]);
}

/** The small conversation of an event names no channels: an entry by a new one adds it. */
function withMedium(small, known, entry) {
  const medium = entry?.channel?.type;
  const channels = known?.channels ?? [];
  return { ...small, channels: medium && !channels.includes(medium) ? [...channels, medium] : channels };
}
