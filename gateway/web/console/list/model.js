/** The conversations of what is listed, in order: paged from the gateway, kept right by events. */
import { HOME_VIEW } from '../router.js';
import { order, place } from './order.js';

const PAGE = 50;
const SETTLE_MS = 400;
const SUBSCRIPTION = 'list';

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
export function createListModel({ api, store, live, bus }) {
  let listed = empty(HOME_VIEW, '');
  let cursor = null, sort = '-updated_at', asked = 0, followed = false, settle = 0;

  function tell(change) {
    listed = { ...listed, ...change };
    store.set('list', listed);
  }

  /** @param {{view: string, q: string}} what */
  async function load({ view, q }) {
    const found = store.get('views').find((one) => one.id === view);
    sort = found?.sort ?? '-updated_at';
    followed = false;
    live.subscribe(SUBSCRIPTION, { q: queryOf(found, q) });
    listed = { ...empty(view, q), loading: true };
    tell({});
    await read(null);
  }

  async function read(after) {
    const mine = ++asked;
    tell({ loading: true });
    try {
      const { body, headers } = await api.get('/conversations', { ...where(), limit: PAGE, cursor: after }, { whole: true });
      if (mine !== asked) return;
      for (const one of body.data) store.putConversation(one);
      cursor = body.page.next_cursor;
      const before = after ? listed.ids : [];
      tell({ ids: unique([...before, ...body.data.map((one) => one.id)]), hasMore: body.page.has_more, loading: false, problem: null });
      live.start(headers.get('event-cursor'));
    } catch (problem) {
      if (mine === asked) tell({ loading: false, problem, hasMore: false });
      live.start();
    }
  }

  /** The first page anew: what is in it, and what has gone from where it reaches to. */
  async function refresh() {
    if (listed.problem) return void read(null);
    const mine = asked;
    const page = await api.get('/conversations', { ...where(), limit: PAGE }).catch(() => null);
    if (!page || mine !== asked) return;
    for (const one of page.data) store.putConversation(one);
    const here = page.data.map((one) => one.id);
    const reach = page.page.has_more ? page.data.at(-1) : null;
    const beyond = reach ? listed.ids.filter((id) => !here.includes(id) && order(sort)(store.conversation(id), reach) > 0) : [];
    if (!listed.hasMore || !reach) cursor = page.page.next_cursor;
    tell({ ids: [...here, ...beyond], hasMore: reach ? listed.hasMore || !beyond.length : false });
    if (reach && !beyond.length) cursor = page.page.next_cursor;
  }

  function refreshSoon() {
    clearTimeout(settle);
    settle = setTimeout(refresh, SETTLE_MS);
  }

  /** An event of a conversation: the gateway says by its subscriptions whether it is in the list now. */
  function take({ event, subscriptions }) {
    const id = event.conversation_id;
    if (!id || !event.data.conversation) return;
    if (!subscriptions || !followed) return refreshSoon();
    const ids = subscriptions.includes(SUBSCRIPTION) ? place(listed, id, { sort, get: store.conversation }) : listed.ids.filter((one) => one !== id);
    tell({ ids });
    if (store.conversation(id)?.partial && ids.includes(id)) refreshSoon();
  }

  const where = () => ({ view: listed.view === HOME_VIEW && listed.q ? null : listed.view, q: listed.q });
  bus.on('told', take);
  bus.on('subscribed', (id) => { followed ||= id === SUBSCRIPTION; });
  bus.on('connection', ({ state }) => { followed &&= state === 'online'; });
  bus.on('reset', refreshSoon);
  store.set('list', listed);

  return {
    load,
    refresh,
    /** The next page, if there is one. */
    more: () => (listed.hasMore && !listed.loading ? read(cursor) : undefined),
    /** @returns {Listed} */
    get: () => listed,
    /** The one `by` steps from another, or the first. @param {string|null} id @param {number} by */
    neighbour(id, by) {
      const at = id ? listed.ids.indexOf(id) : -1;
      return listed.ids[at < 0 ? 0 : Math.max(0, Math.min(listed.ids.length - 1, at + by))] ?? null;
    },
  };
}

/** What the feed is narrowed to so that it tells what is in the list. */
function queryOf(view, q) {
  const parts = [q ? q : view?.query, q && view && view.id !== HOME_VIEW ? view.query : ''].filter(Boolean);
  return parts.length > 1 ? parts.map((part) => `(${part})`).join(' ') : parts[0] ?? '';
}

/** @returns {Listed} */
const empty = (view, q) => ({ ids: [], loading: false, hasMore: false, problem: null, view, q });
const unique = (ids) => [...new Set(ids)];
