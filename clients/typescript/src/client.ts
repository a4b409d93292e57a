// The client: every operation of the API, typed by its OpenAPI document.

import createFetchClient, { type Client } from "openapi-fetch";
import type { paths } from "./types.js";
import { Access, type Fetch, type ServerOptions } from "./access.js";
import { BACKOFF, nextDelay, pause, type Backoff } from "./backoff.js";
import { readProblem, SwitchboardProblem, type ProblemBody } from "./problem.js";

export interface ClientOptions extends ServerOptions {
  /** How often a request is made again that found nobody, or was asked to wait; 3 unless told. */
  retries?: number;
  backoff?: Backoff;
}

/** `GET`, `POST` and so on of openapi-fetch, by the paths of the API: `api.GET("/v1/conversations", {...})`. */
export type SwitchboardClient = Client<paths>;

const RETRIES = 3;
const RETRIED = new Set([429, 502, 503, 504]);
const KEY_HEADER = "Idempotency-Key";
const NO_CONTENT = 204;

/**
 * A client of one gateway.
 *
 * Each POST has an `Idempotency-Key`, its own or one made here, so that it can be made again and acts once; safe and
 * repeatable requests are made again as well, with growing pauses.
 */
export function createClient(options: ClientOptions): SwitchboardClient {
  const access = new Access(options);
  const retries = options.retries ?? RETRIES;
  const persist: Fetch = (request) => askAgain(access, named(request), { retries, backoff: options.backoff ?? BACKOFF });
  return createFetchClient<paths>({ baseUrl: access.origin, fetch: persist });
}

/** The data of an answer; a refusal is thrown: `const { data } = await must(api.GET("/v1/agents"))`. */
export async function must<Data, Fault>(
  asked: Answered<Data, Fault> | Promise<Answered<Data, Fault>>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await asked;
  if (response.ok) return data as NonNullable<Data>;
  const body = error !== null && typeof error === "object" ? (error as Partial<ProblemBody>) : {};
  throw new SwitchboardProblem(response, body);
}

interface Answered<Data, Fault> {
  data?: Data;
  error?: Fault;
  response: Response;
}

export interface Page<Item> {
  data: Item[];
  page: { next_cursor: string | null; has_more: boolean };
}

/**
 * Every item of a list, page by page:
 * `for await (const one of everyItem((cursor) => must(api.GET("/v1/contacts", { params: { query: { cursor } } }))))`.
 */
export async function* everyItem<Item>(
  read: (cursor: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.data;
    cursor = page.page.has_more ? (page.page.next_cursor ?? undefined) : undefined;
  } while (cursor !== undefined);
}

function named(request: Request): Request {
  if (request.method !== "POST" || request.headers.has(KEY_HEADER)) return request;
  const copy = new Request(request);
  copy.headers.set(KEY_HEADER, crypto.randomUUID());
  return copy;
}

async function askAgain(access: Access, request: Request, how: { retries: number; backoff: Backoff }): Promise<Response> {
  for (let failures = 1; ; failures++) {
    const last = failures > how.retries;
    const answer = await askOnce(access, last ? request : request.clone(), last);
    if (answer && (last || !(await isWorthAsking(answer)))) return answer;
    const asked = answer ? (await readProblem(answer)).retryAfterMs : 0;
    await pause(nextDelay(failures, how.backoff, Math.random(), asked), request.signal);
    request.signal.throwIfAborted();
  }
}

/** The answer; undefined where nobody answered and that is not the end of it. */
async function askOnce(access: Access, request: Request, last: boolean): Promise<Response | undefined> {
  try {
    return await access.ask(request);
  } catch (error) {
    if (last || request.signal.aborted || error instanceof SwitchboardProblem) throw error;
    return undefined;
  }
}

async function isWorthAsking(answer: Response): Promise<boolean> {
  if (answer.status === NO_CONTENT || !RETRIED.has(answer.status)) return false;
  return (await readProblem(answer.clone())).retryable;
}
