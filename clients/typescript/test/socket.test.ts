import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveSocket, SubscriptionRefused, type LiveEvent, type Reset, type SocketOptions } from "../src/index.js";
import { json, openGateway, type FakeGateway } from "./server.js";

type Frame = Record<string, unknown> & { type: string };
type Script = (socket: FakeSocket, frame: Frame) => void;

/** A WebSocket whose other end is played by the test: `Script` answers each frame; the n-th connection has the n-th. */
class FakeSocket extends EventTarget {
  static scripts: Script[] = [];
  static opened: FakeSocket[] = [];
  readonly OPEN = 1;
  readyState = 0;
  readonly sent: Frame[] = [];
  private readonly script: Script;

  constructor(readonly url: string) {
    super();
    this.script = FakeSocket.scripts[Math.min(FakeSocket.opened.push(this), FakeSocket.scripts.length) - 1] ?? (() => {});
    setTimeout(() => {
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
    });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.sent.push(frame);
    this.script(this, frame);
  }

  say(...frames: Frame[]): void {
    for (const frame of frames) this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  close(code = 1000): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const event = (cursor: string): Frame => ({ type: "event", event: { object: "event", cursor }, subscriptions: ["s1"] });
const greet: Script = (socket, frame) => {
  if (frame.type === "authenticate") socket.say({ type: "ready", cursor: "0a", heartbeat_seconds: 15 });
};

function opened(gateway: FakeGateway, scripts: Script[], options: Partial<SocketOptions> = {}): LiveSocket {
  FakeSocket.scripts = scripts;
  FakeSocket.opened = [];
  return new LiveSocket({
    baseUrl: gateway.url, apiKey: "sk_1", WebSocket: FakeSocket as unknown as typeof WebSocket,
    backoff: { baseMs: 1, maxMs: 4 }, ...options,
  });
}

async function take(count: number, socket: LiveSocket): Promise<string[]> {
  const cursors: string[] = [];
  for await (const one of socket) if (cursors.push(one.cursor) === count) break;
  return cursors;
}

test("each connection shows a ticket of its own in its first frame, and goes on after the last event", async (context) => {
  let tickets = 0;
  const gateway = await openGateway((asked, response) => json({ ticket: `tkt_${++tickets}` }, 201)(asked, response));
  context.after(() => gateway.close());
  const first: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "subscribe") {
      socket.say(event("0b"), event("0c"), event("0b"), { type: "cursor", cursor: "0d" });
      setTimeout(() => socket.close(4408), 5);
    }
  };
  const second: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "subscribe") socket.say(event("0d"), event("0e"));
  };
  const subscriptions = [{ q: "is:open" }];
  assert.deepEqual(await take(3, opened(gateway, [first, second], { subscriptions })), ["0b", "0c", "0e"]);
  const [one, two] = FakeSocket.opened;
  assert.equal(one?.url, `${gateway.url.replace("http", "ws")}/v1/realtime`);
  assert.deepEqual(one?.sent, [
    { type: "authenticate", ticket: "tkt_1" },
    { type: "resume", cursor: "0a" },
    { type: "subscribe", id: "s1", q: "is:open", types: null, conversation_id: null },
  ]);
  assert.deepEqual(two?.sent.slice(0, 2), [
    { type: "authenticate", ticket: "tkt_2" },
    { type: "resume", cursor: "0d" },
  ]);
});

test("an expired cursor is told, by frame or by close code, and goes on where the gateway is", async (context) => {
  const gateway = await openGateway(json({ ticket: "tkt_1" }, 201));
  context.after(() => gateway.close());
  const late: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "resume") socket.say({ type: "reset", code: "cursor_expired", cursor: "40" });
    if (frame.type === "subscribe") setTimeout(() => socket.close(4409), 5);
  };
  const fresh: Script = (socket, frame) => {
    if (frame.type === "authenticate") socket.say({ type: "ready", cursor: "50", heartbeat_seconds: 15 });
    if (frame.type === "subscribe") socket.say(event("51"));
  };
  const resets: Reset[] = [];
  const socket = opened(gateway, [late, fresh], { after: "01", onReset: (reset) => void resets.push(reset) });
  assert.deepEqual(await take(1, socket), ["51"]);
  assert.deepEqual(resets.map((reset) => reset.cursor), ["40", "50"]);
});

test("what an agent does goes up, and what lasts is told again after a reconnect", async (context) => {
  const gateway = await openGateway(json({ ticket: "tkt_1" }, 201));
  context.after(() => gateway.close());
  const seen: LiveEvent[] = [];
  const live = { type: "typing.started", conversation_id: "cnv_1", actor: { type: "contact", id: null, name: "Ana" } };
  const first: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "subscribe") socket.say(event("0b"));
    if (frame.type === "viewing") setTimeout(() => socket.close(1006), 5);
  };
  const second: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "viewing") socket.say({ type: "live", event: live }, event("0c"));
  };
  const socket = opened(gateway, [first, second], { onLive: (told) => seen.push(told) });
  const cursors: string[] = [];
  for await (const one of socket) {
    cursors.push(one.cursor);
    if (one.cursor === "0c") break;
    socket.presence("online");
    socket.typing("cnv_1", true);
    socket.viewing("cnv_1");
  }
  assert.deepEqual(cursors, ["0b", "0c"]);
  assert.deepEqual(seen, [live]);
  assert.deepEqual(FakeSocket.opened[0]?.sent.slice(-3).map((frame) => frame.type), ["presence", "typing", "viewing"]);
  assert.deepEqual(FakeSocket.opened[1]?.sent.slice(-2).map((frame) => frame.type), ["presence", "viewing"]);
});

test("a subscription that is refused is thrown; closing ends it quietly", async (context) => {
  const gateway = await openGateway(json({ ticket: "tkt_1" }, 201));
  context.after(() => gateway.close());
  const refusing: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "subscribe") socket.say({ type: "problem", code: "invalid_query", detail: "no", id: "s1" });
  };
  await assert.rejects(take(1, opened(gateway, [refusing])), SubscriptionRefused);
  const controller = new AbortController();
  const onState = (state: string) => state === "live" && setTimeout(() => controller.abort(), 5);
  assert.deepEqual(await take(1, opened(gateway, [greet], { signal: controller.signal, onState })), []);
});

test("a silent line is pinged, and left when it stays silent", async (context) => {
  const gateway = await openGateway(json({ ticket: "tkt_1" }, 201));
  context.after(() => gateway.close());
  const second: Script = (socket, frame) => {
    greet(socket, frame);
    if (frame.type === "subscribe") socket.say(event("0b"));
  };
  assert.deepEqual(await take(1, opened(gateway, [greet, second], { silenceMs: 60 })), ["0b"]);
  assert.ok(FakeSocket.opened[0]?.sent.some((frame) => frame.type === "ping"));
});
