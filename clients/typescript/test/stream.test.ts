import assert from "node:assert/strict";
import { test } from "node:test";
import { CursorExpired, streamEvents, type Reset, type StreamOptions } from "../src/index.js";
import { event, openGateway, problem, ready, stream, type FakeGateway } from "./server.js";

const FAST = { backoff: { baseMs: 1, maxMs: 4 } };

/** The cursors of the first so many events. */
async function take(count: number, gateway: FakeGateway, options: Partial<StreamOptions> = {}): Promise<string[]> {
  const cursors: string[] = [];
  for await (const one of streamEvents({ baseUrl: gateway.url, apiKey: "sk_1", ...FAST, ...options })) {
    if (cursors.push(one.cursor) === count) break;
  }
  return cursors;
}

test("a cut line is resumed after the last event, and what comes twice is told once", async (context) => {
  const gateway = await openGateway(
    stream([ready("0a"), event("0b"), event("0c")], "cut"),
    problem(503, "overloaded", true),
    stream([ready("0d"), event("0b"), event("0c"), event("0d"), event("0e")]),
  );
  context.after(() => gateway.close());
  assert.deepEqual(await take(4, gateway), ["0b", "0c", "0d", "0e"]);
  assert.deepEqual(gateway.asked.map((one) => one.headers["last-event-id"]), [undefined, "0c", "0c"]);
  assert.equal(gateway.asked[0]?.headers["authorization"], "Bearer sk_1");
  assert.ok(gateway.asked.every((one) => !one.url.includes("sk_")), "no secret is in a URL");
});

test("a line cut before its first event goes on from where it began, and passed-over events count", async (context) => {
  const gateway = await openGateway(
    stream([ready("0a")], "cut"),
    stream([ready("0c"), "id: 0c\n\n"], "cut"),
    stream([ready("0d"), event("0d")]),
  );
  context.after(() => gateway.close());
  assert.deepEqual(await take(1, gateway), ["0d"]);
  assert.deepEqual(gateway.asked.map((one) => one.headers["last-event-id"]), [undefined, "0a", "0c"]);
});

test("a cursor too old is told, and the stream goes on where the gateway says", async (context) => {
  const reset = 'id: 90\nevent: reset\ndata: {"code":"cursor_expired","cursor":"90"}\n\n';
  const gateway = await openGateway(stream([reset, ready("90"), event("91")]));
  context.after(() => gateway.close());
  const resets: Reset[] = [];
  const cursors = await take(1, gateway, { after: "01", onReset: (told) => void resets.push(told) });
  assert.deepEqual(resets, [{ code: "cursor_expired", cursor: "90" }]);
  assert.deepEqual(cursors, ["91"]);
  await assert.rejects(take(1, gateway, { after: "01" }), CursorExpired, "nobody who could list anew");
});

test("what would be refused again is thrown at once", async (context) => {
  const gateway = await openGateway(problem(401, "unauthenticated", false));
  context.after(() => gateway.close());
  await assert.rejects(take(1, gateway), { code: "unauthenticated", status: 401 });
  assert.equal(gateway.asked.length, 1);
});

test("the signal ends it quietly, live or waiting", async (context) => {
  const gateway = await openGateway(stream([ready("0a")]));
  context.after(() => gateway.close());
  const controller = new AbortController();
  const onState = (state: string) => state === "live" && setTimeout(() => controller.abort(), 5);
  assert.deepEqual(await take(1, gateway, { signal: controller.signal, onState }), []);
  assert.deepEqual(await take(1, gateway, { signal: controller.signal }), []);
  const waiting = new AbortController();
  const slow = { backoff: { baseMs: 60_000, maxMs: 60_000 }, signal: waiting.signal };
  const onWait = (state: string) => state === "waiting" && setTimeout(() => waiting.abort(), 5);
  const nobody = { ...gateway, url: "http://127.0.0.1:1" };
  assert.deepEqual(await take(1, nobody, { ...slow, onState: onWait }), []);
});

test("a line that shows no life is left and resumed", async (context) => {
  const gateway = await openGateway(stream([ready("0a")]), stream([ready("0b"), event("0b")]));
  context.after(() => gateway.close());
  assert.deepEqual(await take(1, gateway, { silenceMs: 50 }), ["0b"]);
});

test("the filter goes along", async (context) => {
  const gateway = await openGateway(stream([ready("0a"), event("0b")]));
  context.after(() => gateway.close());
  await take(1, gateway, { types: ["message.created", "note.created"], conversation: "cnv_1", q: "is:open tag:vip" });
  const query = "types=message.created&types=note.created&conversation=cnv_1&q=is%3Aopen+tag%3Avip";
  assert.equal(gateway.asked[0]?.url, `/v1/events/stream?${query}`);
});
