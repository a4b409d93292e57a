import assert from "node:assert/strict";
import { test } from "node:test";
import { nextDelay, pause, retryAfterMs } from "../src/backoff.js";

const BACKOFF = { baseMs: 100, maxMs: 1000 };

test("waits double up to the longest, and lie in the upper half of it by chance", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 90].map((failures) => nextDelay(failures, BACKOFF, 1)), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(nextDelay(3, BACKOFF, 0), 200);
});

test("what the server asks for is the least", () => {
  assert.equal(nextDelay(1, BACKOFF, 1, 5000), 5000);
  assert.equal(retryAfterMs("7", 0), 7000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:09 GMT", 4000), 5000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:01 GMT", 4000), 0);
  assert.deepEqual([retryAfterMs("soon", 0), retryAfterMs(null, 0)], [0, 0]);
});

test("a pause ends at once when its signal fires", async () => {
  const controller = new AbortController();
  const paused = pause(60_000, controller.signal);
  controller.abort();
  await paused;
  await pause(60_000, controller.signal);
});
