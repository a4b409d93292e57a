/** Server-sent events read from a fetch (WHATWG HTML 9.2): unlike EventSource it can be told where to go on. */

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<{event: string, data: string}>} comments come as frames without data: they show life
 */
export async function* readFrames(body) {
  const reader = body.pipeThrough(/** @type {ReadableWritablePair<string, any>} */ (new TextDecoderStream())).getReader();
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield readBlock(block);
  }
}

/** @param {string} block */
export function readBlock(block) {
  const found = { event: 'message', data: '' };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') found.event = value;
    if (name === 'data') found.data += found.data ? `\n${value}` : value;
  }
  return found;
}
