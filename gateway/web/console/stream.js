/** The live events read by fetch, for where no WebSocket gets through. */
import { readFrames } from './sse.js';

export const CLOSE_AUTH = 4401;

/**
 * Hear frames as from the socket until the stream ends; answers the code that a socket would have been closed with.
 * @param {{api: any, cursor: string|null, hear: (frame: any) => void, signal: AbortSignal}} how
 */
export async function followStream({ api, cursor, hear, signal }) {
  const headers = { Accept: 'text/event-stream', ...(cursor ? { 'Last-Event-ID': cursor } : {}) };
  const response = await api.open('/events/stream', { headers, signal });
  if (!response.ok || !response.body) return response.status === 401 ? CLOSE_AUTH : 0;
  for await (const { event, data } of readFrames(response.body)) hear(frameOf(event, data));
  return 0;
}

function frameOf(event, data) {
  if (event === 'ready' || event === 'reset') return { ...JSON.parse(data), type: event };
  return data ? { type: 'event', event: JSON.parse(data), subscriptions: null } : { type: 'pong' };
}
