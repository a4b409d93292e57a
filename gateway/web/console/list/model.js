/** The conversations of what is listed, in order: paged from the gateway, kept right by events. */
import { HOME_VIEW } from '../router.js';
import { order, place } from './order.js';

const ROWS_A_PAGE = 50;
const LIST_SETTLE_MS = 400;
const LIST_AGAIN_MS = 10_000;
const LIST_FRAME_MS = 16;

/**
 * @typedef {object} Listed
 * @property {string[]} ids
 * @property {boolean} loading
 * @property {boolean} hasMore
 * @property {any} problem why nothing could be listed
 * @property {string} view
 * @property {string} q
 */

/** @param {any} app */
export function createListModel({ api, store, live, bus, router }) {
  let listed = { ...emptyList(HOME_VIEW, ''), loading: true };
  let cursor = null, sort = '-updated_at', asked = 0, turns = 0, reading = 0, followed = false, subscription = '', settle = 0, frame = 0, gap = 0;
  /** @type {{id: string, here: boolean, at: string}[]} what events said; kept until no page is on its way that may be older */
  let moves = [];

  function tell(change) {
    const open = listed.ids.indexOf(router.route().conversationId);
    if (open >= 0) gap = open;
    listed = { ...listed, ...change };
    store.set('list', listed);
  }

  /** @param {{view: string, q: string}} what */
  async function load({ view, q }) {
    const found = store.get('views').find((one) => one.id === view);
    sort = found?.sort ?? '-updated_at';
    follow(listQuery(found, q));
    tell({ ...emptyList(view, q), loading: true });
    await read(null);
  }

  /** Each list has a name of its own, so that what is still told of the one before moves nothing in this one. */
  function follow(query) {
    live.unsubscribe(subscription);
    subscription = `list-${(turns += 1)}`;
    [followed, moves] = [false, []];
    live.subscribe(subscription, { q: query });
  }

  /** A page that is not overtaken by another list. */
  async function fetchPage(after) {
    const mine = asked;
    reading += 1;
    try {
      const { body, headers } = await api.get('/conversations', { ...where(), limit: ROWS_A_PAGE, cursor: after }, { whole: true });
      if (mine !== asked) return null;
      for (const one of body.data) store.putConversation(one);
      return { data: body.data, next: body.page.next_cursor, hasMore: body.page.has_more, at: headers.get('event-cursor') ?? '' };
    } finally {
      reading -= 1;
    }
  }

  async function read(after) {
    const mine = ++asked;
    tell({ loading: true });
    try {
      const page = await fetchPage(after);
      if (!page) return;
      cursor = page.next;
      tell({ ids: unique([...(after ? listed.ids : []), ...page.data.map((one) => one.id)]), hasMore: page.hasMore, loading: false, problem: null });
      arrange(page.at);
      live.start(page.at || null);
    } catch (problem) {
      if (mine === asked) tell({ loading: false, problem, hasMore: false });
      live.start();
    }
  }

  /** The first page anew: what is in it, and what has gone from where it reaches to. */
  async function refresh() {
    if (listed.problem) return read(null);
    const mine = ++turns;
    const page = await fetchPage(null).catch(() => undefined);
    if (mine !== turns) return undefined;
    if (!page) return refreshSoon(page === null ? LIST_SETTLE_MS : LIST_AGAIN_MS);
    const here = page.data.map((one) => one.id);
    const reach = page.hasMore ? page.data.at(-1) : null;
    const beyond = reach ? listed.ids.filter((id) => !here.includes(id) && order(sort)(store.conversation(id), reach) > 0) : [];
    if (!listed.hasMore || !beyond.length) cursor = page.next;
    tell({ ids: [...here, ...beyond], hasMore: Boolean(reach) && (listed.hasMore || !beyond.length) });
    return arrange(page.at);
  }

  function refreshSoon(wait = LIST_SETTLE_MS) {
    clearTimeout(settle);
    settle = setTimeout(refresh, wait);
  }

  /** An event of a conversation: the gateway says by its subscriptions whether it is in the list now. */
  function take({ event, subscriptions }) {
    const id = event.conversation_id;
    if (!id || !event.data.conversation) return;
    if (!subscriptions || !followed) return refreshSoon();
    frame ||= setTimeout(() => { frame = 0; arrange(); }, LIST_FRAME_MS);
    moves.push({ id, here: subscriptions.includes(subscription), at: event.cursor });
  }

  /** Put what moved where it belongs, once for all that came together; behind a page only what it did not know yet. */
  function arrange(known = '') {
    const moved = moves.filter(({ at }) => at > known);
    if (!reading) moves = [];
    if (!moved.length) return;
    let { ids } = listed;
    for (const { id, here } of moved) ids = here ? place({ ...listed, ids }, id, { sort, get: store.conversation }) : ids.filter((one) => one !== id);
    tell({ ids });
    if (moved.some(({ id, here }) => here && store.conversation(id)?.partial)) refreshSoon();
  }

  const where = () => ({ view: listed.view === HOME_VIEW && listed.q ? null : listed.view, q: listed.q });
  bus.on('told', take);
  bus.on('subscribed', (id) => { followed ||= id === subscription; });
  bus.on('connection', ({ state }) => { followed &&= state === 'online'; });
  bus.on('changed', () => { if (!followed) refreshSoon(); });
  bus.on('reset', () => read(null));
  store.set('list', listed);

  return {
    load,
    refresh,
    /** The next page, if there is one. */
    more: () => (listed.hasMore && !listed.loading ? read(cursor) : undefined),
    /** @returns {Listed} */
    get: () => listed,
    /** The one `by` steps from another; from one that has just left the list, from where it was. @param {string|null} id @param {number} by */
    neighbour(id, by) {
      const at = id ? listed.ids.indexOf(id) : -1;
      const next = at >= 0 ? at + by : id ? gap + Math.min(by, 0) : 0;
      return listed.ids[Math.max(0, Math.min(listed.ids.length - 1, next))] ?? null;
    },
  };
}

/** What the feed is narrowed to so that it tells what is in the list. */
function listQuery(view, q) {
  const parts = [q ? q : view?.query, q && view && view.id !== HOME_VIEW ? view.query : ''].filter(Boolean);
  return parts.length > 1 ? parts.map((part) => `(${part})`).join(' ') : parts[0] ?? '';
}

/** @returns {Listed} */
const emptyList = (view, q) => ({ ids: [], loading: false, hasMore: false, problem: null, view, q });
const unique = (ids) => [...new Set(ids)];
