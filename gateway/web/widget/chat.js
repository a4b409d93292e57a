/** The visitor protocol, and what is said. Draws nothing. */

const BASE = '/widget/v1';
const PAGE = 30;
const TIMEOUT_MS = 20_000;
const SILENCE_MS = 50_000;
const LONGEST_PAUSE_MS = 30_000;
const TYPING_MS = 3000;
const RECEIPT_MS = 300;

const problemOf = (status, body, after = 0) => Object.assign(new Error(body?.detail ?? ''),
  { status, after: after * 1000, passing: !status || status == 408 || status == 429 || status > 499 });

// Random, or all tabs would come at once.
const pauseBefore = (tries) => 100 + Math.random() * Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tries);

const pause = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
  addEventListener('online', resolve, { once: true });
  document.addEventListener('visibilitychange', resolve, { once: true });
});

// A change of network ends it too: the line may be dead.
async function readStream(open, heard, signal) {
  const cut = new AbortController();
  const ends = AbortSignal.any([signal, cut.signal]);
  const end = () => cut.abort();
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
      rest = blocks.pop();
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

export class Chat {
  listeners = [];
  timers = {};
  entries = new Map();

  constructor(channel) {
    this.channel = channel;
    this.prefix = `switchboard:${channel}:`;
    try { this.store = localStorage; } catch { this.store = {}; }
    if (this.store.setItem) { // else none is granted: each tab for itself
      this.locks = navigator.locks;
      this.wire = new BroadcastChannel(this.prefix);
      this.wire.onmessage = ({ data }) => this.heard(...data);
    }
    this.clear();
    addEventListener('storage', ({ key }) => key == this.prefix + 'queue' && this.tell('entries'));
    addEventListener('online', () => this.flush());
  }

  clear() {
    this.entries.clear();
    this.visitor = this.conversation = this.started = null;
    this.seen = this.delivered = 0;
  }

  get(name) { return JSON.parse(this.store[this.prefix + name] ?? null); }

  set(name, value) {
    try { this.store[this.prefix + name] = JSON.stringify(value); } catch { /* full: this page goes on */ }
  }

  on(names, heard) { this.listeners.push([names, heard]); }

  tell(name, detail) { for (const [names, heard] of this.listeners) if (names.includes(name)) heard(detail); }

  // In one tab at a time; without locks in all, and what comes twice the server counts once.
  alone(work, run, options = {}) { return this.locks ? this.locks.request(this.prefix + work, options, run) : run(); }

  later(name, ms, work) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(work, ms);
  }

  get headers() {
    const token = this.get('token');
    return token && { Authorization: `Bearer ${token}` };
  }

  async ask(method, path, body, headers, signal = AbortSignal.timeout(TIMEOUT_MS)) {
    const type = body && { 'Content-Type': 'application/json' };
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

  get queue() { return this.get('queue') ?? []; }

  set queue(items) {
    this.set('queue', items);
    this.tell('entries');
  }

  get timeline() { return [...[...this.entries.values()].sort((a, b) => a.seq - b.seq), ...this.queue]; }

  start() { return (this.started ??= this.begin().catch((problem) => this.end(problem))); }

  async begin(tries = 0) {
    try {
      await this.alone('session', () => this.openSession());
      await this.reload();
    } catch (problem) {
      if (!problem.passing) throw problem;
      this.setLine(false);
      await pause(Math.max(problem.after, pauseBefore(tries)));
      return this.begin(tries + 1);
    }
    this.follow();
    this.flush();
  }

  async openSession() {
    const { channel: channel_id, locale, page, identity, resume: resume_link } = this;
    const open = () => this.post('/sessions', { channel_id, locale, page, identity, resume_link });
    this.take(await open().catch((problem) => {
      if (problem.status != 401 || !this.headers) throw problem;
      this.set('token', null); // it ended
      return open();
    }));
    this.resume = undefined;
  }

  take({ token, visitor, conversation }) {
    if (token) this.set('token', token);
    this.visitor = visitor;
    this.setConversation(conversation);
  }

  setConversation(next) {
    if (this.conversation && next?.id != this.conversation.id) this.entries.clear();
    this.conversation = next;
    this.tell('conversation');
  }

  // Older entries stay where the two meet.
  async reload() {
    const { data, page, cursor } = await this.load(`/messages?limit=${PAGE}`);
    if (!data.some(({ id }) => this.entries.has(id))) {
      this.entries.clear();
      this.more = page.has_more;
    }
    this.cursor = cursor;
    this.setLine(true);
    this.upsert(data);
  }

  async loadMore() {
    if (!this.more) return;
    this.more = false;
    const older = await this.load(`/messages?limit=${PAGE}&before_seq=${this.timeline[0].seq}`).catch(() => null);
    this.more = older?.page.has_more ?? true;
    this.upsert(older?.data ?? []);
  }

  upsert(entries) {
    const fresh = entries.filter(({ id }) => !this.entries.has(id));
    for (const entry of entries) this.entries.set(entry.id, entry);
    const arrived = entries.map((one) => one.client_message_id);
    const { queue } = this;
    if (queue.length) this.set('queue', queue.filter((one) => !arrived.includes(one.client_message_id)));
    this.tell('entries', fresh);
    const last = Math.max(...entries.map((one) => (one.direction == 'outbound' && one.state == 'sent' ? one.seq : 0)));
    if (last > this.delivered) this.receipt('delivered', (this.delivered = last));
  }

  follow() {
    const { signal } = (this.stop = new AbortController());
    let tries = 0;
    const heard = (...event) => {
      tries = 0;
      this.heard(...event);
      this.wire?.postMessage(event);
    };
    const open = (ends) => this.ask('GET', '/stream', null, { 'Last-Event-ID': this.cursor }, ends);
    this.alone('stream', async () => {
      while (!signal.aborted) {
        const problem = await readStream(open, heard, signal).catch((error) => error);
        if ([401, 403, 404].includes(problem?.status)) this.end(problem);
        if (signal.aborted) return;
        heard('line', false);
        await pause(Math.max(problem?.after || 0, pauseBefore((tries += 1))));
      }
    }, { signal }).catch(() => null);
  }

  heard(name, data, id) {
    if (!this.started) return;
    this.cursor = id ?? this.cursor;
    const again = () => this.reload().catch(() => this.restart());
    ({
      entry: () => this.arrive(data),
      conversation: () => {
        this.setConversation(data);
        if (!this.entries.size) again();
      },
      typing: () => this.typed(data.typing ? data.name ?? '' : null),
      reset: again,
      session: () => data.state == 'revoked' && this.end(problemOf(401)),
      line: () => this.setLine(data),
      restart: () => this.restart(),
      forget: () => this.forget(),
    })[name]?.();
  }

  arrive(entry) {
    if (!this.entries.has(entry.id) && entry.direction == 'outbound' && entry.kind == 'message') {
      this.typed(null);
      this.tell('arrived');
    }
    this.upsert([entry]);
  }

  typed(name) {
    this.later('typed', TYPING_MS * 4, () => this.tell('typing', null));
    this.tell('typing', name);
  }

  setLine(up) {
    this.tell('line', up);
    if (up) this.flush();
  }

  send(content) {
    this.queue = [...this.queue, { client_message_id: crypto.randomUUID(), at: new Date(), ...content }];
    this.typing(false);
    this.start();
    this.flush();
  }

  change(id, facts) {
    this.queue = this.queue.flatMap((one) => (one.client_message_id != id ? one : facts ? { ...one, ...facts } : []));
    this.flush();
  }

  async flush(tries = 0) {
    if (this.flushing || !this.headers) return;
    this.flushing = true;
    const problem = await this.alone('queue', () => this.sendWaiting()).catch(() => null);
    if (problem) await pause(Math.max(problem.after, 1000 + pauseBefore(tries)));
    this.flushing = false;
    if (problem) this.flush(tries + 1);
  }

  async sendWaiting() {
    for (let next; (next = this.queue.find((one) => !one.sent && !one.failed)); ) {
      const { client_message_id, text, parts, attachment_ids, in_reply_to } = next;
      const message = { client_message_id, text, parts, attachment_ids, in_reply_to, page: this.page };
      const problem = await this.post('/messages', message).then(() => null, (error) => error);
      if (problem?.passing) return problem;
      if (problem?.status == 401) return this.end(problem);
      this.change(client_message_id, problem ? { failed: problem.message || problem.status } : { sent: true });
    }
  }

  typing(on) {
    if (on) this.later('typing', TYPING_MS * 2, () => this.typing(false));
    if (!this.conversation || (on ? Date.now() - this.typedAt < TYPING_MS : !this.typedAt)) return;
    this.typedAt = on && Date.now();
    this.quietly('/typing', { typing: on });
  }

  see(seq) {
    if (seq <= this.seen) return;
    this.seen = seq;
    if (this.conversation) this.setConversation({ ...this.conversation, unread: 0 });
    this.receipt('read', seq);
  }

  receipt(state, up_to_seq) { this.later(state, RECEIPT_MS, () => this.quietly('/read', { up_to_seq, state })); }

  async identify({ identity, profile }) {
    this.identity = identity ?? this.identity;
    if (!this.headers) return;
    this.take(await this.post('/identify', { identity, profile }));
    if (!identity) return;
    this.wire?.postMessage(['restart']);
    this.restart();
  }

  restart() {
    this.stop?.abort();
    this.started = null;
    this.start();
  }

  async logout() {
    if (this.headers) await this.quietly('/logout');
    this.identity = undefined;
    this.wire?.postMessage(['forget']);
    this.forget();
  }

  forget() {
    this.stop?.abort();
    for (const name of ['token', 'queue', 'draft', 'asked']) this.set(name, null);
    this.clear();
    this.tell('conversation');
    this.tell('entries');
  }

  end(problem) {
    if (problem.status == 401) this.forget();
    this.started = null;
    this.tell('over', problem);
  }
}
