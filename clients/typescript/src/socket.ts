// The live feed over a WebSocket, which also carries what a reader does: typing, viewing, being there.
//
// A browser cannot put a header on a WebSocket, and a secret in a URL ends up in logs: so each connection shows a ticket
// that opens one door once, in its first frame.

import type { components } from "./types.js";
import { Access, type ServerOptions } from "./access.js";
import { readProblem } from "./problem.js";
import { isForGood, Patience, Place, SILENCE_MS, takeReset, type Envelope, type Resuming } from "./stream.js";

/** What is told and forgotten: who types, who looks at what, who is there. */
export interface LiveEvent {
  type: "typing.started" | "typing.stopped" | "presence.changed" | "conversation.viewing" | (string & {});
  conversation_id: string | null;
  actor: { type: string; id: string | null; name: string | null };
  timestamp: string;
  state?: string | null;
  viewers?: unknown[];
}

/** One part of the feed; left out is everything. */
export interface Subscription {
  q?: string | null;
  types?: string[] | null;
  conversation_id?: string | null;
}

export type SocketOptions = ServerOptions &
  Resuming & {
    after?: string | undefined;
    /** Everything, unless told. */
    subscriptions?: Subscription[] | undefined;
    onLive?: ((event: LiveEvent) => void) | undefined;
    /** Another class than the platform's. */
    WebSocket?: typeof WebSocket | undefined;
  };

type Ticket = components["schemas"]["StreamTicket"];
type Down =
  | { type: "ready"; cursor: string; heartbeat_seconds: number }
  | { type: "event"; event: Envelope; subscriptions: string[] }
  | { type: "cursor"; cursor: string }
  | { type: "live"; event: LiveEvent }
  | { type: "reset"; code: string; cursor: string }
  | { type: "problem"; code: string; detail: string; id?: string }
  | { type: "subscribed" | "unsubscribed" | "pong" };

const PATH = "/v1/realtime";
const CURSOR_EXPIRED = 4409;
const MAX_WAITING = 5000;
const PINGS_A_SILENCE = 3;

/** The gateway would not subscribe this: a wrong query, say. */
export class SubscriptionRefused extends Error {
  override readonly name = "SubscriptionRefused";

  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/**
 * A connection that comes back by itself. Iterate it for the events, each once and in order; tell it what you do.
 *
 *     const socket = new LiveSocket({ baseUrl, session: true, after, onReset: relist, onLive: showTyping });
 *     for await (const event of socket) show(event);
 */
export class LiveSocket implements AsyncIterable<Envelope> {
  private readonly access: Access;
  private readonly place: Place;
  private readonly ending = new AbortController();
  private line: Line | undefined;
  private viewed: string | null = null;
  private present: "online" | "away" | undefined;

  constructor(private readonly options: SocketOptions) {
    this.access = new Access(options);
    this.place = new Place(options.after);
    const close = () => this.close();
    if (options.signal?.aborted) close();
    options.signal?.addEventListener("abort", close, { once: true });
  }

  /** Whether an agent is writing in a conversation; lost while there is no line, as it should be. */
  typing(conversationId: string, typing: boolean): void {
    this.line?.send({ type: "typing", conversation_id: conversationId, typing });
  }

  /** Which conversation is being looked at; told again after a reconnect. */
  viewing(conversationId: string | null): void {
    this.viewed = conversationId;
    this.line?.send({ type: "viewing", conversation_id: conversationId });
  }

  /** Whether the agent is there; told again after a reconnect. */
  presence(state: "online" | "away"): void {
    this.present = state;
    this.line?.send({ type: "presence", state });
  }

  /** End it: the iterator ends, without an error. */
  close(): void {
    this.ending.abort();
    this.line?.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Envelope, void, undefined> {
    const signal = this.ending.signal;
    const patience = new Patience({ ...this.options, signal });
    try {
      while (!signal.aborted) {
        this.options.onState?.("connecting");
        try {
          yield* this.followOnce(patience);
        } catch (error) {
          if (signal.aborted) return;
          if (isForGood(error) || error instanceof SubscriptionRefused) throw error;
          patience.fail(error);
        }
        if (signal.aborted) return;
        this.options.onState?.("waiting");
        await patience.rest();
      }
    } finally {
      this.close();
    }
  }

  private async *followOnce(patience: Patience): AsyncGenerator<Envelope, void, undefined> {
    const ticket = await this.fetchTicket();
    const Socket = this.options.WebSocket ?? WebSocket;
    const line = new Line(new Socket(this.access.origin.replace(/^http/, "ws") + PATH), this.options.silenceMs);
    this.line = line;
    if (this.ending.signal.aborted) line.close();
    line.onOpen(() => line.send({ type: "authenticate", ticket }));
    try {
      for await (const frame of line.frames()) {
        if (this.ending.signal.aborted) return;
        const event = await this.take(frame, line, patience);
        if (event) yield event;
      }
      this.place.expired ||= line.code === CURSOR_EXPIRED;
    } finally {
      line.close();
      this.line = undefined;
    }
  }

  private async fetchTicket(): Promise<string> {
    const request = new Request(`${this.access.origin}/v1/stream-tickets`, { method: "POST", signal: this.ending.signal });
    const answer = await this.access.ask(request);
    if (!answer.ok) throw await readProblem(answer);
    return ((await answer.json()) as Ticket).ticket;
  }

  /** What a frame asks for; the event in it, if it is new. */
  private async take(frame: Down, line: Line, patience: Patience): Promise<Envelope | undefined> {
    if (frame.type === "event") return this.place.pass(frame.event.cursor) ? frame.event : undefined;
    if (frame.type === "cursor") this.place.pass(frame.cursor);
    else if (frame.type === "live") this.options.onLive?.(frame.event);
    else if (frame.type === "reset") await takeReset(frame, this.place, this.options);
    else if (frame.type === "ready") await this.begin(frame.cursor, line, patience);
    else if (frame.type === "problem" && frame.id) throw new SubscriptionRefused(frame.code, frame.detail);
    return undefined;
  }

  /** The door is open: say from where to go on, and what to tell. */
  private async begin(head: string, line: Line, patience: Patience): Promise<void> {
    patience.reset();
    if (this.place.expired) {
      await takeReset({ code: "cursor_expired", cursor: head }, this.place, this.options);
      this.place.expired = false;
    }
    this.place.cursor ??= head;
    line.send({ type: "resume", cursor: this.place.cursor });
    (this.options.subscriptions ?? [{}]).forEach((wanted, index) =>
      line.send({ type: "subscribe", id: `s${index + 1}`, q: null, types: null, conversation_id: null, ...wanted }),
    );
    if (this.present) line.send({ type: "presence", state: this.present });
    if (this.viewed) line.send({ type: "viewing", conversation_id: this.viewed });
    this.options.onState?.("live");
  }
}

/** One connection: its frames in order, ended by its close, by silence, or by too much that nobody takes. */
class Line {
  /** The close code, once it is closed. */
  code: number | undefined;
  private readonly waiting: Down[] = [];
  private wake: (() => void) | undefined;
  private heard = Date.now();
  private readonly pulse: ReturnType<typeof setInterval>;

  constructor(
    private readonly socket: WebSocket,
    private readonly silenceMs = SILENCE_MS,
  ) {
    socket.addEventListener("message", (message: MessageEvent) => this.hear(String(message.data)));
    socket.addEventListener("close", (closed: CloseEvent) => this.end(closed.code));
    socket.addEventListener("error", () => undefined); // a close follows
    this.pulse = setInterval(() => this.check(), silenceMs / PINGS_A_SILENCE);
  }

  onOpen(act: () => void): void {
    this.socket.addEventListener("open", act);
  }

  send(frame: object): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.end(this.code ?? 1000);
    this.socket.close();
  }

  async *frames(): AsyncGenerator<Down, void, undefined> {
    for (;;) {
      const frame = this.waiting.shift();
      if (frame) yield frame;
      else if (this.code !== undefined) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private hear(text: string): void {
    this.heard = Date.now();
    if (this.code !== undefined) return;
    this.waiting.push(JSON.parse(text) as Down);
    if (this.waiting.length > MAX_WAITING) this.close(); // gone on after the last that was taken
    this.wake?.();
  }

  private check(): void {
    const busy = this.waiting.length > 0; // whoever reads is slow: the line itself is alive
    if (!busy && Date.now() - this.heard > this.silenceMs) this.close();
    else this.send({ type: "ping" });
  }

  private end(code: number): void {
    this.code ??= code;
    clearInterval(this.pulse);
    this.wake?.();
  }
}
