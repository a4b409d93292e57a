/**
 * The live connection: one WebSocket, resumed by cursor, so that after a cut every event comes once and none is missed.
 * Where WebSockets are blocked the same events are read by fetch as server-sent events.
 */
import { CLOSE_AUTH, followStream } from './stream.js';

const FIRST_RETRY_MS = 300;
const LONGEST_WAIT_MS = 8_000;
/** So many sockets that never got ready, and events are read by fetch; more where one has been ready before. */
const SOCKET_TRIES = 2;
const PROVEN_TRIES = 6;
const FETCH_TRIES = 2;
/** How often a socket is asked whether it lives, how long it may think, and how long a stream may say nothing at all. */
const PROBE_MS = 15_000;
const ANSWER_MS = 8_000;
const SILENT_MS = 40_000;
const CLOSE_EXPIRED = 4409;

/** @typedef {'connecting'|'online'|'reconnecting'|'offline'} State */

/**
 * Tells the bus `connection` ({state, caughtUp, by}), `event`s through `take`, `live` and `reset`.
 * @param {{bus: import('./bus.js').Bus, api: ReturnType<typeof import('./api.js').createApi>, take: (envelope: any, subscriptions: string[]|null) => void}} parts
 */
export function createLive({ bus, api, take }) {
  /** @type {Map<string, any>} */
  const wanted = new Map();
  const it = { state: /** @type {State} */ ('connecting'), by: 'socket', cursor: /** @type {string|null} */ (null), caughtUp: 0 };
  let link = null, head = null, attempts = 0, unready = 0, useTicket = false, everOnline = false, stopped = true, timer = 0, heardAt = 0, tries = SOCKET_TRIES;

  function enter(state) {
    if (state === it.state) return;
    it.state = state;
    bus.emit('connection', { state, caughtUp: it.caughtUp, by: it.by, again: everOnline });
    if (state === 'online') everOnline = true;
  }

  function connect() {
    if (stopped || link) return;
    clearTimeout(timer);
    // A browser without a network may still reach a gateway of its own machine: it is tried once.
    if (!navigator.onLine && attempts) return void enter('offline');
    it.by = unready >= tries ? 'fetch' : 'socket';
    it.caughtUp = 0;
    link = it.by === 'socket' ? openSocket({ hear, lost, ready: () => head !== null, ticket: useTicket && (() => api.post('/stream-tickets', {})) }) : openStream({ api, cursor: it.cursor, hear, lost });
    heardAt = Date.now();
  }

  function lost(code) {
    const wasReady = head !== null;
    [link, head] = [null, null];
    if (stopped) return;
    if (wasReady && it.by === 'socket') tries = PROVEN_TRIES;
    unready = wasReady ? 0 : (unready + 1) % (tries + FETCH_TRIES);
    if (code === CLOSE_AUTH) useTicket = true;
    if (code === CLOSE_EXPIRED) relist(null);
    attempts = wasReady && navigator.onLine ? 0 : attempts + 1;
    if (everOnline || attempts > 1) enter(navigator.onLine ? 'reconnecting' : 'offline');
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_RETRY_MS * 2 ** attempts);
    timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
  }

  const heard = {
    ready(frame) {
      head = frame.cursor;
      [attempts, useTicket] = [0, false];
      if (it.cursor) send({ type: 'resume', cursor: it.cursor });
      else it.cursor = head;
      for (const [id, what] of wanted) send({ type: 'subscribe', id, ...what });
      bus.emit('live-ready');
      arrived();
    },
    event({ event, subscriptions }) {
      if (it.cursor && event.cursor <= it.cursor) return;
      if (head && event.cursor <= head) it.caughtUp += 1;
      it.cursor = event.cursor;
      take(event, subscriptions ?? null);
      arrived();
    },
    cursor(frame) {
      if (!it.cursor || frame.cursor > it.cursor) it.cursor = frame.cursor;
      arrived();
    },
    subscribed: (frame) => bus.emit('subscribed', frame.id),
    live: (frame) => bus.emit('live', frame.event),
    reset: (frame) => relist(frame.cursor),
    problem: (frame) => bus.emit('live-problem', frame),
  };

  function hear(frame) {
    heardAt = Date.now();
    heard[frame.type]?.(frame);
  }

  /** Up to date once the head of when we came is reached. */
  function arrived() {
    if (head !== null && it.cursor && it.cursor >= head) enter('online');
  }

  function relist(cursor) {
    it.cursor = cursor;
    bus.emit('reset', { cursor });
    arrived();
  }

  /** A connection that does not answer is dead, whatever the system thinks of it: the computer may have slept. */
  function probe() {
    const [asked, mine] = [Date.now(), link];
    const close = () => { if (mine && mine === link && heardAt < asked) mine.close(); };
    if (head !== null && send({ type: 'ping' })) setTimeout(close, ANSWER_MS);
    else if (asked - heardAt > SILENT_MS) close();
  }

  function send(frame) {
    return link?.send?.(frame) ?? false;
  }

  function wake() {
    if (link) return probe();
    attempts = 0;
    connect();
  }

  setInterval(probe, PROBE_MS);
  addEventListener('online', () => { if (head === null) link?.close(); wake(); });
  addEventListener('offline', () => { enter('offline'); link?.close(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });

  return {
    /** @returns {{state: State, by: string, cursor: string|null, caughtUp: number}} */
    status: () => ({ state: it.state, by: it.by, cursor: it.cursor, caughtUp: it.caughtUp }),
    /** Begin, going on after this cursor of a list. @param {string|null} [cursor] */
    start(cursor = null) {
      it.cursor ??= cursor;
      if (stopped) { stopped = false; connect(); }
    },
    /** @param {string} id @param {{q?: string|null, types?: string[]|null, conversation_id?: string|null}} what */
    subscribe(id, what = {}) {
      wanted.set(id, { q: null, types: null, conversation_id: null, ...what });
      if (head !== null) send({ type: 'subscribe', id, ...wanted.get(id) });
    },
    /** @param {string} id */
    unsubscribe(id) {
      if (wanted.delete(id) && head !== null) send({ type: 'unsubscribe', id });
    },
    /** Ephemeral frames: typing, viewing, presence; false where they cannot be sent now. @param {any} frame */
    send: (frame) => head !== null && send(frame),
    /** Cut and come back: what a test, and the developer drawer, does. */
    drop: () => link?.close(),
  };
}

/** A socket that speaks JSON; `lost` is called once. */
function openSocket({ hear, lost, ready, ticket }) {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/realtime`);
  let told = false;
  const end = (code) => { if (!told) { told = true; lost(code); } };
  socket.onmessage = (message) => { if (!told) hear(JSON.parse(message.data)); };
  socket.onclose = (event) => end(event.code);
  if (ticket) socket.onopen = () => ticket().then((made) => ready() || write({ type: 'authenticate', ticket: made.ticket }), () => socket.close());
  const write = (frame) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  };
  return { send: write, close: () => { socket.close(); end(0); } };
}

/** The same by fetch: events only, nothing can be said. */
function openStream({ api, cursor, hear, lost }) {
  const stop = new AbortController();
  followStream({ api, cursor, hear, signal: stop.signal }).then(lost, () => lost(0));
  return { close: () => stop.abort() };
}
