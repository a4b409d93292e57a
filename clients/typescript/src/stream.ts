// The live feed as an async iterator that comes back by itself: every event once and in order, whatever the line does.

import type { components, operations } from "./types.js";
import { Access, type ServerOptions } from "./access.js";
import { BACKOFF, nextDelay, pause, type Backoff } from "./backoff.js";
import { readFrames, type Frame } from "./frames.js";
import { readProblem, SwitchboardProblem } from "./problem.js";

export type Envelope = components["schemas"]["Envelope"];
type Query = NonNullable<operations["streamEvents"]["parameters"]["query"]>;
export type EventType = NonNullable<Query["types"]>[number];

/** The server no longer has what comes after the cursor: list anew, then go on from `cursor`. */
export interface Reset {
  code: string;
  cursor: string;
}

export interface Wanted {
  /** Go on after this cursor: of the last event you have, or the header `Event-Cursor` of a list. Else from now. */
  after?: string | undefined;
  types?: EventType[] | undefined;
  /** Only what concerns one conversation. */
  conversation?: string | undefined;
  /** Only what concerns conversations that match, in the words of the search. */
  q?: string | undefined;
}

export interface Resuming {
  /** Ends the stream: the iterator then ends, without an error. */
  signal?: AbortSignal | undefined;
  /** List anew here. Without it a reset is thrown as a `CursorExpired`, since events are missing. */
  onReset?: ((reset: Reset) => void | Promise<void>) | undefined;
  /** Told of each change: for a banner that says "reconnecting". */
  onState?: ((state: "connecting" | "live" | "waiting") => void) | undefined;
  backoff?: Backoff | undefined;
  /** A silence longer than this is a dead line; the gateway shows life every 15 s unless it is set up otherwise. */
  silenceMs?: number | undefined;
  random?: (() => number) | undefined;
}

export type StreamOptions = ServerOptions & Wanted & Resuming;

export class CursorExpired extends Error {
  override readonly name = "CursorExpired";

  constructor(readonly reset: Reset) {
    super("the cursor is older than the events the gateway keeps: list anew");
  }
}

export const SILENCE_MS = 45_000;
const REFUSED_FOR_GOOD = new Set([400, 401, 403, 404, 422]);

/**
 * What happens, from now or after a cursor, over server-sent events by `fetch`.
 *
 * A cut line is resumed after the last event that was handed over, with growing pauses; an event that comes twice is
 * handed over once. Ends when `signal` fires or the loop is left; throws what would be refused again: no key, no scope,
 * a wrong query.
 *
 *     for await (const event of streamEvents({ baseUrl, apiKey, after, signal, onReset: relist })) show(event);
 */
export async function* streamEvents(options: StreamOptions): AsyncGenerator<Envelope, void, undefined> {
  const access = new Access(options);
  const place = new Place(options.after);
  const patience = new Patience(options);
  while (!options.signal?.aborted) {
    options.onState?.("connecting");
    try {
      yield* followOnce(access, place, options, patience);
    } catch (error) {
      if (options.signal?.aborted) return;
      if (isForGood(error)) throw error;
      patience.fail(error);
    }
    if (options.signal?.aborted) return;
    options.onState?.("waiting");
    await patience.rest();
  }
}

/** Where a reader is in the feed: the cursor of the last event handed over. */
export class Place {
  /** The gateway has dropped what comes after the cursor, and not said where it goes on. */
  expired = false;

  constructor(public cursor: string | undefined) {}

  /** Whether this is new; then the place is behind it. Cursors are hex of one width, so that they sort as they count. */
  pass(cursor: string): boolean {
    if (this.cursor !== undefined && cursor <= this.cursor) return false;
    this.cursor = cursor;
    return true;
  }
}

/** How long to wait before coming back: longer after each failure, short after a time that went well. */
export class Patience {
  private failures = 0;
  private askedMs = 0;

  constructor(private readonly options: Resuming) {}

  /** It went well. */
  reset(): void {
    this.failures = 0;
    this.askedMs = 0;
  }

  /** It did not, and perhaps the server said for how long. */
  fail(error: unknown): void {
    this.askedMs = error instanceof SwitchboardProblem ? error.retryAfterMs : 0;
  }

  async rest(): Promise<void> {
    this.failures += 1;
    const random = this.options.random ?? Math.random;
    await pause(nextDelay(this.failures, this.options.backoff ?? BACKOFF, random(), this.askedMs), this.options.signal);
  }
}

/** A reset, told to whoever can list anew; the place is then where the server goes on. */
export async function takeReset(reset: Reset, place: Place, options: Resuming): Promise<void> {
  if (!options.onReset) throw new CursorExpired(reset);
  await options.onReset(reset);
  place.cursor = reset.cursor;
}

/** Whether to come back is of no use. */
export function isForGood(error: unknown): boolean {
  if (error instanceof SwitchboardProblem) return REFUSED_FOR_GOOD.has(error.status);
  return error instanceof CursorExpired;
}

async function* followOnce(
  access: Access,
  place: Place,
  options: StreamOptions,
  patience: Patience,
): AsyncGenerator<Envelope, void, undefined> {
  const line = new AbortController();
  const stop = () => line.abort();
  options.signal?.addEventListener("abort", stop);
  const watch = new Watchdog(options.silenceMs ?? SILENCE_MS, stop);
  try {
    const answer = await access.ask(streamRequest(access.origin, place, options, line.signal));
    if (!answer.ok || !answer.body) throw await readProblem(answer);
    for await (const frame of readFrames(answer.body, () => watch.feed())) {
      const event = await takeFrame(frame, place, options, patience);
      if (!event) continue;
      watch.hold(); // the time the caller takes is not the line's
      yield event;
      watch.feed();
    }
  } finally {
    watch.hold();
    options.signal?.removeEventListener("abort", stop);
    line.abort();
  }
}

function streamRequest(origin: string, place: Place, wanted: Wanted, signal: AbortSignal): Request {
  const url = new URL(`${origin}/v1/events/stream`);
  for (const type of wanted.types ?? []) url.searchParams.append("types", type);
  if (wanted.conversation) url.searchParams.set("conversation", wanted.conversation);
  if (wanted.q) url.searchParams.set("q", wanted.q);
  const headers = new Headers({ Accept: "text/event-stream" });
  if (place.cursor !== undefined) headers.set("Last-Event-ID", place.cursor);
  return new Request(url, { headers, signal, cache: "no-store" });
}

/** The event of a frame, if it is one and new. */
async function takeFrame(
  frame: Frame,
  place: Place,
  options: Resuming,
  patience: Patience,
): Promise<Envelope | undefined> {
  if (frame.event === "ready") {
    patience.reset();
    // Whoever came from now on has missed nothing before this; if the line is cut at once, it goes on from here.
    place.cursor ??= (JSON.parse(frame.data) as { cursor: string }).cursor;
    options.onState?.("live");
    return undefined;
  }
  if (frame.event === "reset") {
    await takeReset(JSON.parse(frame.data) as Reset, place, options);
    return undefined;
  }
  if (!frame.data) {
    if (frame.id !== undefined) place.pass(frame.id); // passed over by the filter
    return undefined;
  }
  const event = JSON.parse(frame.data) as Envelope;
  return place.pass(event.cursor) ? event : undefined;
}

/** Fires when it was not fed for a time. */
class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly milliseconds: number,
    private readonly bark: () => void,
  ) {
    this.feed();
  }

  feed(): void {
    this.hold();
    this.timer = setTimeout(this.bark, this.milliseconds);
  }

  hold(): void {
    clearTimeout(this.timer);
  }
}
