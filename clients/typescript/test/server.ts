// A fake gateway: real HTTP on a loopback port, answering what the test says, and remembering what was asked.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export type Answer = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export interface FakeGateway {
  url: string;
  asked: Asked[];
  close(): Promise<void>;
}

/** The answers in the order of the requests; the last one serves all that follow. */
export async function openGateway(...answers: Answer[]): Promise<FakeGateway> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const one = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
      const answer = answers[Math.min(asked.push(one), answers.length) - 1];
      return answer?.(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${port}`, asked, close };
}

/** JSON with a status. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    const mediaType = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": mediaType, ...headers }).end(JSON.stringify(body));
  };
}

/** A problem as the gateway words it. */
export function problem(status: number, code: string, retryable: boolean, headers: Record<string, string> = {}): Answer {
  const body = { title: code, status, detail: `${code} happened`, code, retryable, request_id: "req1", errors: [] };
  return json(body, status, headers);
}

/** An event stream of these chunks, which then stays open, or is cut. */
export function stream(chunks: string[], end: "open" | "cut" = "open"): Answer {
  return (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const chunk of chunks) response.write(chunk);
    if (end === "cut") setTimeout(() => response.destroy(), 20);
  };
}

export function ready(cursor: string): string {
  return `retry: 2000\n\nevent: ready\ndata: {"cursor":"${cursor}"}\n\n`;
}

export function event(cursor: string): string {
  return `id: ${cursor}\nevent: message.created\ndata: {"object":"event","cursor":"${cursor}","type":"message.created"}\n\n`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
