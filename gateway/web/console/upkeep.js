/** What the frame needs to know of the business, read at the start and kept fresh: people, channels, views, counts. */

const COUNTS_SETTLE_MS = 1200;
const COUNTED_EVENTS = /^(conversation\.|message\.created)/;

/** @param {any} app */
export async function loadPeople({ api, store }) {
  const all = async (key, path, show = (data) => data) => {
    const body = await api.get(path, path.includes('?') ? {} : { limit: 200 }).catch(() => null);
    if (body) store.set(key, show(body.data ?? body));
  };
  await Promise.all([
    all('views', '/views?'), all('agents', '/agents', (data) => new Map(data.map((agent) => [agent.id, agent]))),
    loadChannels({ api, store }), all('channelTypes', '/channel-types?'), all('meta', '/meta?'),
  ]);
  for (const agent of store.get('agents').values()) {
    if (agent.availability) store.get('online').set(agent.id, agent.availability.state ?? agent.availability);
  }
}

/** @param {any} app */
export async function loadChannels({ api, store }) {
  const page = await api.get('/channels', { limit: 200 }).catch(() => null);
  if (!page) return;
  store.set('channels', page.data);
  store.set('channelsLoaded', true);
}

/** The numbers beside the views, anew once what changes them has settled. @param {any} app */
export function followCounts(app) {
  const { api, store, bus, attention } = app;
  let timer = 0;
  const count = async () => {
    const [views, unread] = await Promise.all([
      api.get('/conversations/counts', { by: 'view' }).catch(() => null),
      api.get('/conversations/counts', { by: 'status', q: 'is:open is:unread' }).catch(() => null),
    ]);
    if (views) store.set('counts', new Map(views.data.map((one) => [one.key, one])));
    if (unread) attention.setUnread(unread.data.reduce((sum, one) => sum + (one.count ?? 0), 0));
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(count, COUNTS_SETTLE_MS); };
  bus.on('event', (event) => { if (COUNTED_EVENTS.test(event.type)) soon(); });
  for (const name of ['reset', 'changed']) bus.on(name, soon);
  store.subscribe('views', soon);
  bus.on('event', (event) => { if (event.type.startsWith('channel.')) loadChannels(app); });
  return count();
}
