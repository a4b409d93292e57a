/** What the frame needs to know of the business, read at the start and kept fresh: people, channels, views, counts. */

const COUNTS_SETTLE_MS = 1200;
const COUNTED_EVENTS = /^(conversation\.|message\.created)/;
/** What no event tells of, as a colleague's new view, is read anew by whoever comes back after so long. */
const STALE_MS = 600_000;
const PAGES_MOST = 10;

/** @param {any} app */
export async function loadPeople({ api, store }) {
  const take = (key, reading, show = (data) => data) => reading.then((found) => store.set(key, show(found)), () => undefined);
  await Promise.all([
    take('views', api.get('/views'), (body) => body.data),
    take('agents', readAll(api, '/agents'), (data) => new Map(data.map((agent) => [agent.id, agent]))),
    loadChannels({ api, store }).catch(() => undefined),
    take('channelTypes', api.get('/channel-types'), (body) => body.data),
    take('meta', api.get('/meta')),
  ]);
}

/** @param {any} app */
export async function loadChannels({ api, store }) {
  store.set('channels', await readAll(api, '/channels'));
  store.set('channelsLoaded', true);
}

/** What a list holds, page after page. @param {any} api @param {string} path @returns {Promise<any[]>} */
export async function readAll(api, path) {
  const all = [];
  for (let page = 0, cursor = null; page < PAGES_MOST; page += 1) {
    const body = await api.get(path, { limit: 200, cursor });
    all.push(...body.data);
    cursor = body.page?.next_cursor;
    if (!body.page?.has_more) break;
  }
  return all;
}

/** The numbers beside the views, anew once what changes them has settled; and the rest, where it may be old. @param {any} app */
export function keepFresh(app) {
  const { api, store, bus, attention } = app;
  let timer = 0, readAt = Date.now();
  const count = async () => {
    const [views, unread] = await Promise.all([
      api.get('/conversations/counts', { by: 'view' }).catch(() => null),
      api.get('/conversations/counts', { by: 'status', q: 'is:open is:unread' }).catch(() => null),
    ]);
    if (views) store.set('counts', new Map(views.data.map((one) => [one.key, one])));
    if (unread) attention.setUnread(unread.data.reduce((sum, one) => sum + (one.count ?? 0), 0));
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(count, COUNTS_SETTLE_MS); };
  const anew = () => { readAt = Date.now(); void loadPeople(app); };
  const present = async () => store.set('online', new Map((await readAll(api, '/agents/presence')).map((one) => [one.id, one.presence])));

  for (const name of ['reset', 'changed']) bus.on(name, soon);
  store.subscribe('views', soon);
  bus.on('event', ({ type }) => {
    if (COUNTED_EVENTS.test(type)) soon();
    if (type.startsWith('channel.')) loadChannels(app).catch(() => undefined);
  });
  bus.on('reset', anew);
  bus.on('live-ready', () => {
    present().catch(() => undefined);
    if (!store.get('views').length) anew();
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && Date.now() - readAt > STALE_MS) anew(); });
  void count();
}
