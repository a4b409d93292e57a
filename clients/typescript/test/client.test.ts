import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, everyItem, must, SwitchboardProblem } from "../src/index.js";
import { json, openGateway, problem } from "./server.js";

const BACKOFF = { baseMs: 1, maxMs: 4 };
const path = { conversation_id: "cnv_1" };

test("a key lets in, and each POST has an idempotency key of its own unless it was given one", async (context) => {
  const gateway = await openGateway(json({ object: "entry" }, 201));
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: `${gateway.url}/`, apiKey: "sk_1" });
  const body = { text: "Hello" };
  await must(api.POST("/v1/conversations/{conversation_id}/messages", { params: { path }, body }));
  const header = { "Idempotency-Key": "mine" };
  await must(api.POST("/v1/conversations/{conversation_id}/messages", { params: { path, header }, body }));
  const [first, second] = gateway.asked;
  assert.equal(first?.url, "/v1/conversations/cnv_1/messages");
  assert.equal(first?.headers["authorization"], "Bearer sk_1");
  assert.match(String(first?.headers["idempotency-key"]), /^[0-9a-f-]{36}$/);
  assert.equal(second?.headers["idempotency-key"], "mine");
  assert.deepEqual(JSON.parse(first?.body ?? ""), body);
});

test("what may be asked again is, with the same key and the same body", async (context) => {
  const cut = (_: unknown, response: { destroy(): void }) => response.destroy();
  const gateway = await openGateway(problem(503, "overloaded", true), cut, json({ object: "entry", id: "ent_1" }, 201));
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: gateway.url, apiKey: "sk_1", backoff: BACKOFF });
  const asked = api.POST("/v1/conversations/{conversation_id}/notes", { params: { path }, body: { text: "Seen" } });
  assert.equal((await must(asked)).id, "ent_1");
  assert.equal(gateway.asked.length, 3);
  assert.equal(new Set(gateway.asked.map((one) => `${String(one.headers["idempotency-key"])} ${one.body}`)).size, 1);
});

test("a refusal is thrown with its code, and not asked again", async (context) => {
  const gateway = await openGateway(problem(409, "contact_opted_out", false, { "retry-after": "2" }));
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: gateway.url, apiKey: "sk_1", backoff: BACKOFF });
  await assert.rejects(must(api.GET("/v1/agents")), (error: unknown) => {
    assert.ok(error instanceof SwitchboardProblem);
    assert.deepEqual([error.status, error.code, error.requestId], [409, "contact_opted_out", "req1"]);
    assert.deepEqual([error.retryable, error.retryAfterMs, error.message], [false, 2000, "contact_opted_out happened"]);
    return true;
  });
  assert.equal(gateway.asked.length, 1);
});

test("a gateway that stays busy is given up after the retries, and its last answer told", async (context) => {
  const gateway = await openGateway(problem(503, "overloaded", true));
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: gateway.url, apiKey: "sk_1", backoff: BACKOFF, retries: 2 });
  await assert.rejects(must(api.GET("/v1/agents")), { code: "overloaded", retryable: true });
  assert.equal(gateway.asked.length, 3);
});

test("nobody there is an error of the network, after the retries", async () => {
  const api = createClient({ baseUrl: "http://127.0.0.1:1", apiKey: "sk_1", backoff: BACKOFF, retries: 1 });
  await assert.rejects(must(api.GET("/v1/agents")), TypeError);
});

test("a session fetches its CSRF token once, sends it with what changes things, and anew where it is stale", async (context) => {
  const gateway = await openGateway(
    json({ object: "session", csrf_token: "old" }),
    problem(403, "csrf_failed", false),
    json({ object: "session", csrf_token: "new" }),
    json({ object: "entry" }, 201),
  );
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: gateway.url, session: true });
  const note = { params: { path }, body: { text: "Seen" } };
  await must(api.POST("/v1/conversations/{conversation_id}/notes", note));
  await must(api.POST("/v1/conversations/{conversation_id}/notes", note));
  const told = gateway.asked.map((one) => `${one.method} ${one.url} ${String(one.headers["x-csrf-token"] ?? "")}`);
  assert.deepEqual(told, [
    "GET /v1/session ",
    "POST /v1/conversations/cnv_1/notes old",
    "GET /v1/session ",
    "POST /v1/conversations/cnv_1/notes new",
    "POST /v1/conversations/cnv_1/notes new",
  ]);
});

test("a list is read to its end, page by page", async (context) => {
  const gateway = await openGateway(
    json({ data: [{ id: "ctc_1" }], page: { next_cursor: "c2", has_more: true } }),
    json({ data: [{ id: "ctc_2" }], page: { next_cursor: null, has_more: false } }),
  );
  context.after(() => gateway.close());
  const api = createClient({ baseUrl: gateway.url, apiKey: "sk_1" });
  const ids: string[] = [];
  const read = (cursor?: string) => must(api.GET("/v1/contacts", { params: { query: cursor ? { cursor } : {} } }));
  for await (const contact of everyItem(read)) ids.push(contact.id);
  assert.deepEqual(ids, ["ctc_1", "ctc_2"]);
  assert.equal(gateway.asked[1]?.url, "/v1/contacts?cursor=c2");
});
