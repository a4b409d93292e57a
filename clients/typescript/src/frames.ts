// Reads text/event-stream (WHATWG HTML 9.2.6) off a response, frame by frame.

export interface Frame {
  /** "message" where the stream does not say. */
  event: string;
  data: string;
  /** The cursor, where this frame carries one. */
  id: string | undefined;
  /** How long the server wishes a client to wait before it comes back, in milliseconds. */
  retry: number | undefined;
}

const LINE = /\r\n|\r|\n/;
const LONGEST_LINE = 8_000_000;

/** The frames of a body as they come; `onLife` is told of every chunk, heartbeats too. */
export async function* readFrames(
  body: ReadableStream<Uint8Array>,
  onLife: () => void = () => undefined,
): AsyncGenerator<Frame, void, undefined> {
  let lines: string[] = [];
  for await (const line of readLines(body, onLife)) {
    if (line) {
      lines.push(line);
      continue;
    }
    const frame = readFrame(lines);
    lines = [];
    if (frame) yield frame;
  }
}

/** One frame of its lines; undefined for what holds nothing but comments. */
export function readFrame(lines: string[]): Frame | undefined {
  const frame: Frame = { event: "message", data: "", id: undefined, retry: undefined };
  const data: string[] = [];
  for (const [name, value] of lines.map(readField)) {
    if (name === "data") data.push(value);
    else if (name === "event") frame.event = value;
    else if (name === "id" && !value.includes("\0")) frame.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) frame.retry = Number(value);
  }
  frame.data = data.join("\n");
  return data.length || frame.id !== undefined || frame.retry !== undefined ? frame : undefined;
}

function readField(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}

async function* readLines(body: ReadableStream<Uint8Array>, onLife: () => void): AsyncGenerator<string, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      onLife();
      const lines = (rest + chunk.value).split(LINE);
      // A CR that ends a chunk may be half of a CRLF: it waits for the next.
      const held = (rest + chunk.value).endsWith("\r") ? `${lines.at(-2) ?? ""}\r` : (lines.at(-1) ?? "");
      yield* lines.slice(0, held.endsWith("\r") ? -2 : -1);
      rest = held;
      if (rest.length > LONGEST_LINE) throw new Error("a line of the stream is too long");
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
