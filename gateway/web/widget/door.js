/**
 * The way to the gateway, and what a browser keeps: requests, the stream, storage, and doing things in one tab alone.
 *
 * @typedef {Error & {status: number, code?: string, after: number, passing: boolean}} Problem
 */

const BASE = '/widget/v1';
const TIMEOUT_MS = 20_000;
const SILENCE_MS = 50_000;
const LONGEST_PAUSE_MS = 30_000;
const WORTH_WAITING_S = 120;
export const ENDED = 'unauthenticated';

/** @param {number} status @param {any} [body] @param {any} after in seconds: for long nobody is let wait in vain @returns {Problem} */
export const problemOf = (status, body, after = 0) => Object.assign(new Error(body?.detail ?? ''), {
  status,
  code: body?.code,
  after: after * 1000,
  passing: !status || status == 408 || (status == 429 && after <= WORTH_WAITING_S) || status > 499,
});

// Random, or all tabs would come at once.
export const pauseBefore = (tries) => 100 + Math.random() * Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tries);

/** @returns {Promise<any>} */
export const pause = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
  addEventListener('online', resolve, { once: true });
  document.addEventListener('visibilitychange', resolve, { once: true });
});

// A change of network ends it too: the line may be dead.
export async function readStream(open, heard, signal) {
  const cut = new AbortController();
  const ends = AbortSignal.any([signal, cut.signal]);
  const end = () => cut.abort();
  /** @type {any} */
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(end, SILENCE_MS);
  };
  for (const change of ['offline', 'online']) addEventListener(change, end, { signal: ends });
  try {
    const answer = await open(ends);
    heard('line', true);
    const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let chunk, rest = ''; alive(), !(chunk = await chunks.read()).done; ) {
      const blocks = (rest + chunk.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const { event, data, id } = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/)));
        if (data || id) heard(event, data && JSON.parse(data), id);
      }
    }
  } finally {
    clearTimeout(timer);
    end();
  }
}

export class Door {
  /** @type {Record<string, number>} */
  timers = {};
  /** @type {Record<string, any>} */
  store = {};
  /** @type {string | undefined} */
  resume;
  /** @type {LockManager | undefined} */
  locks;
  /** @type {BroadcastChannel | undefined} */
  wire;

  constructor(channel) {
    this.channel = channel;
    this.prefix = `switchboard:${channel}:`;
    try { this.store = localStorage; } catch { /* none is granted */ }
    if (!this.store.setItem) return; // each tab for itself
    this.locks = navigator.locks;
    this.wire = new BroadcastChannel(this.prefix);
  }

  get(name) { return JSON.parse(this.store[this.prefix + name] ?? null); }

  set(name, value) {
    const kept = { [this.prefix + name]: JSON.stringify(value) };
    try { Object.assign(this.store, kept); } catch { this.store = { ...this.store, ...kept }; } // full: in this page alone
  }

  // In one tab at a time; without locks in all, and what comes twice the server counts once.
  alone(work, run, options = {}) { return this.locks ? this.locks.request(this.prefix + work, options, run) : run(); }

  later(name, ms, work) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(work, ms);
  }

  get headers() {
    const token = !this.resume && this.get('token');
    return token && { Authorization: `Bearer ${token}` };
  }

  async ask(method, path, body, headers, signal = AbortSignal.timeout(TIMEOUT_MS)) {
    const type = body && { 'Content-Type': 'application/json' };
    /** @type {any} */
    const request = { method, signal, cache: 'no-store', headers: { ...this.headers, ...type, ...headers }, body: body && JSON.stringify(body) };
    const answer = await fetch(BASE + path, request).catch(() => { throw problemOf(0); });
    if (!answer.ok) throw problemOf(answer.status, await answer.json().catch(() => null), answer.headers.get('Retry-After'));
    return answer;
  }

  async load(...request) { return (await this.ask('GET', ...request)).json(); }

  async post(path, body = {}) { return (await this.ask('POST', path, body)).json().catch(() => null); }

  quietly(path, body) { return this.post(path, body).catch(() => null); }

  // fetch does not tell how much is through.
  upload(file, onprogress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append('file', file);
      request.open('POST', `${BASE}/attachments`);
      request.setRequestHeader('Authorization', this.headers?.Authorization);
      request.responseType = 'json';
      request.upload.onprogress = ({ loaded, total }) => onprogress(loaded / total);
      request.onloadend = () => (request.status == 201 ? resolve : reject)(request.response ?? {});
      request.send(form);
    });
  }
}
