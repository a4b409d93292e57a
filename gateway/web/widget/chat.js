/**
 * The visitor protocol, and what is said. Draws nothing.
 *
 * @typedef {import('switchboard-client/types').components['schemas']} Schemas
 * @typedef {Schemas['VisitorEntry']} Entry
 * @typedef {Schemas['VisitorConversation']} Conversation
 * @typedef {Schemas['WidgetConfig']} Config
 * @typedef {{client_message_id: string, at: string | Date, sent?: boolean, failed?: any, new_conversation?: boolean,
 *   files?: any[], [name: string]: any}} Waiting A message of ours that the server has not shown yet.
 * @typedef {{entries: Map<string, Entry>, more?: boolean, conversation?: any, anew?: boolean}} View
 *   What the log shows: the conversation of now, an earlier one, or one that is about to begin (`anew`).
 * @typedef {import('./door.js').Problem} Problem
 */

import { Door, ENDED, pause, pauseBefore, problemOf, readStream } from './door.js';

const PAGE = 30;
const TYPING_MS = 3000;
const RECEIPT_MS = 300;

export class Chat extends Door {
  /** @type {[string, (detail: any) => void][]} */
  listeners = [];
  open = false;
  seen = 0;
  delivered = 0;
  locale = '';
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** @type {View | undefined} */
  past;
  /** @type {Conversation | null} */
  conversation = null;
  /** @type {Schemas['Visitor'] | null} */
  visitor = null;
  /** @type {Promise<void> | null} */
  started = null;
  /** @type {any} */
  identity;
  /** @type {any} */
  profile;
  /** @type {any} */
  page;
  /** @type {Entry[] | undefined} */
  late;

  constructor(channel) {
    super(channel);
    if (this.wire) this.wire.onmessage = ({ data }) => this.heard(...data);
    this.clear();
    addEventListener('storage', ({ key }) => key == this.prefix + 'queue' && this.tell('entries'));
    addEventListener('online', () => this.flush());
  }

  clear() {
    this.entries.clear();
    this.visitor = this.conversation = this.started = null;
    this.past = undefined;
    this.seen = this.delivered = 0;
  }

  /** @returns {View} */
  get view() { return this.past ?? this; }

  on(names, heard) { this.listeners.push([names, heard]); }

  tell(name, detail) { for (const [names, heard] of this.listeners) if (names.includes(name)) heard(detail); }

  get queue() { return this.get('queue') ?? []; }

  set queue(items) {
    this.set('queue', items);
    this.tell('entries');
  }

  /** @returns {any[]} */
  get timeline() {
    const said = [...this.view.entries.values()].sort((a, b) => a.seq - b.seq);
    return this.past?.conversation ? said : [...said, ...this.queue];
  }

  // An earlier conversation, or one that is about to begin; without either the conversation of now.
  look(conversation, anew = false) {
    this.past = anew || conversation ? { entries: new Map(), more: !anew, conversation, anew } : undefined;
    this.tell('entries');
    if (!conversation) return;
    this.loadMore();
    const { id: conversation_id, last_seq: up_to_seq, unread } = conversation;
    if (unread) this.quietly('/read', { conversation_id, up_to_seq, state: 'read' });
  }

  start() { return (this.started ??= this.begin().catch((problem) => this.end(problem))); }

  async begin(tries = 0) {
    try {
      await this.alone('session', () => this.openSession());
      await this.reload();
    } catch (error) {
      const problem = /** @type {Problem} */ (error);
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
      if (problem.code != ENDED || !this.headers) throw problem;
      this.set('token', null); // it ended
      return open();
    }));
    this.resume = undefined;
    const { profile } = this;
    this.profile = undefined;
    const told = profile && await this.quietly('/identify', { profile });
    if (told) this.take(told);
  }

  take({ token, visitor, conversation }) {
    if (token) this.set('token', token);
    this.visitor = visitor;
    if (this.identity && !visitor.verified) this.tell('unproven');
    this.setConversation(conversation);
  }

  setConversation(next) {
    if (this.conversation && next?.id != this.conversation.id) {
      this.entries.clear();
      this.seen = this.delivered = 0;
    }
    if (next && next.id == this.past?.conversation?.id) this.past = undefined;
    this.conversation = next;
    this.tell('conversation');
  }

  // Older entries stay where the two meet; what comes meanwhile is newer than the answer.
  async reload() {
    this.late = [];
    const { data, page, cursor } = await this.load(`/messages?limit=${PAGE}`);
    if (!data.some(({ id }) => this.entries.has(id))) {
      this.entries.clear();
      this.more = page.has_more;
    }
    this.cursor = cursor;
    this.setLine(true);
    this.upsert([...data, ...(this.late ?? [])]);
    this.late = undefined;
  }

  async loadMore() {
    const { view, timeline: [first] } = this;
    if (!view.more) return;
    view.more = false;
    const where = (first?.seq ? `&before_seq=${first.seq}` : '') + (this.past ? `&conversation_id=${view.conversation.id}` : '');
    const older = await this.load(`/messages?limit=${PAGE}${where}`).catch(() => null);
    view.more = older?.page.has_more ?? true;
    for (const one of older?.data ?? []) view.entries.set(one.id, one);
    if (view == this.view) this.tell('entries', older?.data);
  }

  upsert(entries) {
    const fresh = entries.filter(({ id }) => !this.entries.has(id));
    for (const entry of entries) this.entries.set(entry.id, entry);
    const arrived = entries.map((one) => one.client_message_id);
    const { queue } = this;
    if (queue.length) this.set('queue', queue.filter((one) => !arrived.includes(one.client_message_id)));
    if (this.past?.anew && fresh.some((one) => one.client_message_id)) this.past = undefined;
    this.tell('entries', this.past ? [] : fresh);
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
    if (name == 'forget') return this.forget();
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
      session: () => data.state == 'revoked' && this.end(problemOf(401, { code: ENDED })),
      line: () => this.setLine(data),
      restart: () => this.restart(),
    })[name]?.();
  }

  arrive(entry) {
    const id = entry.conversation_id;
    if (this.conversation && id != this.conversation.id) this.setConversation({ id, status: 'open' }); // a new one; it is told next
    this.late?.push(entry);
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
    const { queue, past } = this;
    const client_message_id = crypto.getRandomValues(new Uint32Array(4)).join('-'); // there without TLS as well
    const new_conversation = (past?.anew && !queue.some((one) => one.new_conversation)) || undefined;
    this.queue = [...queue, { client_message_id, at: new Date(), new_conversation, ...content }];
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
    /** @type {Problem | undefined} */
    const problem = await this.alone('queue', () => this.sendWaiting()).catch(() => {});
    if (problem) await pause(Math.max(problem.after, 1000 + pauseBefore(tries)));
    this.flushing = false;
    if (problem) this.flush(tries + 1);
  }

  async sendWaiting() {
    for (let next; (next = this.queue.find((one) => !one.sent && !one.failed)); ) {
      const { client_message_id, text, parts, attachment_ids, in_reply_to, new_conversation } = next;
      const message = { client_message_id, text, parts, attachment_ids, in_reply_to, new_conversation, page: this.page };
      const problem = await this.post('/messages', message).then(() => null, (error) => error);
      if (problem?.passing) return problem;
      if (problem?.status == 401) return this.end(problem);
      this.change(client_message_id, problem ? { failed: { code: problem.code, message: problem.message } } : { sent: true });
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

  async rate(entry_id, rating, comment) {
    await this.post('/csat', { entry_id, rating, comment });
    const { view } = this;
    const at = new Date();
    view.conversation = { ...view.conversation, csat: { entry_id, rating, rated_at: view.conversation.csat?.rated_at ?? at, at } };
    this.tell('conversation');
  }

  /** @param {{identity?: any, profile?: any}} who */
  async identify({ identity, profile }) {
    this.identity = identity ?? this.identity;
    if (!this.headers) {
      this.profile = profile ?? this.profile;
      return;
    }
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
    this.wire?.postMessage(['forget']);
    this.forget();
  }

  // Whoever was logged in is so in no tab.
  forget() {
    this.identity = this.profile = undefined;
    this.wipe();
  }

  wipe() {
    this.stop?.abort();
    for (const name of ['token', 'queue', 'draft', 'asked']) this.set(name, null);
    this.clear();
    this.tell('conversation');
    this.tell('entries');
  }

  end(problem) {
    if (problem.code == ENDED) this.wipe(); // else it is to be shown who they are, or a link was used before
    this.resume = undefined;
    this.started = null;
    this.tell('over', problem);
  }
}
