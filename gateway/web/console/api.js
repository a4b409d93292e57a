/** The public API over fetch: cookies and CSRF, idempotent POSTs, conditions, problems as errors, patience where asked. */
import { noteTime } from './format.js';

const BASE = '/v1';
const KEPT_REQUESTS = 200;
const KEPT_TEXT_CHARS = 20_000;
const TRIES = 4;
const LONGEST_WAIT_SECONDS = 20;
const FIRST_WAIT_MS = 400;
/** Answers that ask to come back: the request was not worked on, or another of the same key still is. */
const COME_BACK = new Set([429, 503]);
/** What is not kept to be shown: whoever looks over a shoulder, or is sent a copy, has no use for it. */
const SECRETS = /"(\w*(?:password|secret|token|ticket))":"[^"]*"/g;

/** What the API refused, as it said it (RFC 9457), or that it could not be reached (status 0). */
export class ApiProblem extends Error {
  /** @param {any} problem the body @param {number} status @param {Headers} [headers] */
  constructor(problem, status, headers) {
    super(problem?.detail ?? problem?.title ?? `HTTP ${status}`);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = problem?.code ?? (status ? 'unknown' : 'unreachable');
    this.title = problem?.title ?? '';
    this.detail = this.message;
    this.hint = problem?.hint ?? '';
    /** @type {{pointer: string, code: string, detail: string, offset?: number, length?: number, allowed?: string[], hint?: string}[]} */
    this.errors = problem?.errors ?? [];
    this.retryable = problem?.retryable ?? status === 0;
    this.requestId = problem?.request_id ?? headers?.get('x-request-id') ?? null;
    this.retryAfter = Number(headers?.get('retry-after')) || null;
  }
}

/**
 * @typedef {object} Options
 * @property {string} [idempotencyKey] made for each POST that has none
 * @property {number|string} [ifMatch] the version that was seen
 * @property {AbortSignal} [signal]
 * @property {boolean} [quiet] no login is asked for when the session is over
 * @property {boolean} [whole] answer `{body, headers, status}`
 */

/**
 * @param {{bus: import('./bus.js').Bus, login: () => Promise<void>, renew: () => Promise<void>}} parts `login` ends when there is
 * a session again, `renew` when the token is that of the session which another page has begun meanwhile
 */
export function createApi({ bus, login, renew }) {
  const log = [];
  const api = {
    /** The token for unsafe requests, told with the session. */
    csrf: '',
    /** The last requests, newest last: what the developer drawer shows. */
    log,
    /** @param {string} path @param {Record<string, any>} [params] @param {Options} [options] */
    get: (path, params, options) => request('GET', path + queryOf(params), undefined, options),
    /** @param {string} path @param {any} [body] @param {Options} [options] */
    post: (path, body, options) => request('POST', path, body, { idempotencyKey: newKey(), ...options }),
    /** @param {string} path @param {any} body @param {Options} [options] */
    patch: (path, body, options) => request('PATCH', path, body, options),
    /** @param {string} path @param {any} [body] @param {Options} [options] */
    put: (path, body, options) => request('PUT', path, body, options),
    /** @param {string} path @param {Options} [options] */
    del: (path, options) => request('DELETE', path, undefined, options),
    /** A response whose body the caller reads: the event stream. @param {string} path @param {RequestInit} init */
    open: (path, init) => fetch(BASE + path, { credentials: 'same-origin', ...init }),
  };

  async function request(method, path, body, options = {}) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(method, path, body, options);
      } catch (problem) {
        if (!(problem instanceof ApiProblem)) throw problem;
        if (problem.status === 401 && !options.quiet) await login();
        else if (problem.code === 'csrf_failed' && attempt === 1) await renew();
        else {
          const wait = waitBefore(problem, attempt, method === 'GET' || Boolean(options.idempotencyKey));
          if (wait === null) throw problem;
          await pause(wait, options.signal);
        }
      }
    }
  }

  async function once(method, path, body, options) {
    const headers = headersOf(method, body, options, api.csrf);
    const kept = { at: Date.now(), method, path: BASE + path, body: textOf(body), status: 0, ms: 0, requestId: null, answer: '' };
    const started = performance.now();
    try {
      const response = await send(BASE + path, method, headers, body, options.signal);
      const text = await response.text();
      noteTime(response.headers.get('date'));
      Object.assign(kept, { status: response.status, requestId: response.headers.get('x-request-id'), answer: hush(text) });
      const json = parsed(text);
      if (!response.ok) throw new ApiProblem(json, response.status, response.headers);
      return options.whole ? { body: json, headers: response.headers, status: response.status } : json;
    } finally {
      kept.ms = Math.round(performance.now() - started);
      log.push(kept);
      if (log.length > KEPT_REQUESTS) log.shift();
      bus.emit('request', kept);
    }
  }
  return api;
}

/** Something no other request has: a key under which a repeated POST is answered once. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {Record<string, any>} [params] lists repeat their name; null and '' are left out */
export function queryOf(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== '') query.append(name, String(one));
  }
  const text = query.toString();
  return text && `?${text}`;
}

/** Milliseconds until the next try, or null where there is none: not of what may have been done. */
function waitBefore(problem, attempt, repeatable) {
  const asked = COME_BACK.has(problem.status) || problem.code === 'request_in_progress';
  const lost = problem.status === 0 || problem.status === 502 || problem.status === 504;
  if (attempt >= TRIES || !(asked || (lost && repeatable))) return null;
  if (problem.retryAfter) return problem.retryAfter > LONGEST_WAIT_SECONDS ? null : problem.retryAfter * 1000;
  return FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
}

function headersOf(method, body, options, csrf) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined && !(body instanceof FormData)) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey;
  if (options.ifMatch !== undefined) headers['If-Match'] = typeof options.ifMatch === 'number' ? `"v${options.ifMatch}"` : options.ifMatch;
  return headers;
}

async function send(url, method, headers, body, signal) {
  const content = body === undefined || body instanceof FormData ? body : JSON.stringify(body);
  try {
    return await fetch(url, { method, headers, body: content, signal, credentials: 'same-origin' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiProblem({ title: 'Unreachable', detail: 'The gateway cannot be reached.', hint: 'Check your connection.' }, 0);
  }
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

const hush = (text) => text.slice(0, KEPT_TEXT_CHARS).replace(SECRETS, '"$1":"…"');
const textOf = (body) => (body === undefined ? null : body instanceof FormData ? '(form)' : hush(JSON.stringify(body)));

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
