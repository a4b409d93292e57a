import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrames, type Frame } from "../src/frames.js";

const STREAM =
  '﻿: alive\n\nid: 1\r\nevent: message.created\r\ndata: {"words":\r\ndata: "gr\u00fc\u00df 你好"}\r\n\r\n' +
  "retry: 2000\rdata\r\rid: 2\n\ndata: cut off";

async function readAll(chunks: Uint8Array[]): Promise<Frame[]> {
  const frames: Frame[] = [];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const frame of readFrames(body)) frames.push(frame);
  return frames;
}

test("frames are the same however the bytes are cut into chunks, amid characters and line ends too", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  const expected = [
    { event: "message.created", data: '{"words":\n"gr\u00fc\u00df 你好"}', id: "1", retry: undefined },
    { event: "message", data: "", id: undefined, retry: 2000 },
    { event: "message", data: "", id: "2", retry: undefined },
  ];
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.slice(n * size, (n + 1) * size));
    assert.deepEqual(await readAll(chunks), expected, `in chunks of ${size}`);
  }
});

test("every chunk is a sign of life, comments too", async () => {
  let signs = 0;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(": alive\n\n"));
      controller.enqueue(new TextEncoder().encode(": alive\n\n"));
      controller.close();
    },
  });
  for await (const frame of readFrames(body, () => signs++)) assert.fail(JSON.stringify(frame));
  assert.equal(signs, 2);
});
