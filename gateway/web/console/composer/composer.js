/** Where answers and notes are written: by which way they leave, what it costs, and why a way is closed. */
import { h, icon, iconButton, mount } from '../dom.js';
import { loadLater } from '../loading.js';
import { toast, toastProblem } from '../toast.js';
import { openMenu } from '../timeline/menu.js';
import { say } from '../timeline/words.js';
import { buildBox, dressBox } from './box.js';
import { createCanned } from './canned.js';
import { limitsOf, pickWay, whyClosed, whyNotThese } from './channels.js';
import { createCollision } from './collision.js';
import { createServerDraft, createShelf } from './drafts.js';
import { createFiles } from './files.js';
import { createMailFields } from './mail.js';
import { createSending } from './sending.js';
import { showClash, showProposals } from './theirs.js';
import { chooseWay, showCount, showWay } from './way.js';

const PREVIEW_AFTER_MS = 350;
const NOTHING_YET = '.'; // what a way would carry is asked before there are words
/** @type {Record<string, string>} */
const SAVED = { saving: 'Saving…', saved: 'Draft saved', failed: 'Saved on this device only' };

/** @param {HTMLElement} el @param {any} app with `conversationId` @returns {{focus(): void, destroy(): void}} */
export function mountComposer(el, app) {
  const it = createComposer(el, app);
  const ends = listen(it);
  begin(it);
  return {
    focus: () => it.ui.area.focus(),
    destroy() {
      clearTimeout(it.timer);
      for (const end of [...ends, it.sending.destroy, it.collision.destroy, it.draft.destroy]) end();
    },
  };
}

function createComposer(el, app) {
  const it = /** @type {any} */ ({ el, app, mode: 'reply', words: { reply: '', note: '' }, ways: [], way: null, chosen: null, extra: null, asked: 0, timer: 0, anyway: false });
  it.ui = buildBox(el, handlers(it));
  it.shelf = createShelf('words', app);
  it.sending = createSending(app);
  it.collision = createCollision(it.ui.here, app);
  it.files = createFiles(it.ui.files, { api: app.api, limits: () => limits(it), onChange: () => showSend(it) });
  it.mail = createMailFields(it.ui.mail, { onChange: () => changed(it) });
  it.canned = createCanned(it.ui.area, { api: app.api, conversationId: app.conversationId, channel: () => (it.mode === 'reply' ? it.way?.channel ?? null : null), insert: (...given) => insert(it, ...given) });
  it.draft = createServerDraft(app, { content: () => draftOf(it), onTheirs: (found) => meetDraft(it, found), onState: (state) => { it.ui.saved.textContent = say(SAVED[state] ?? ''); } });
  it.ui.field.prepend(it.canned.list);
  return it;
}

function handlers(it) {
  const inReply = () => it.mode === 'reply';
  return {
    mode: (mode) => { setMode(it, mode); it.ui.area.focus(); },
    tab: (event) => { if (/^Arrow(Left|Right)$/.test(event.key)) { setMode(it, inReply() ? 'note' : 'reply'); it.ui.tabs.querySelector('[aria-selected=true]').focus(); } },
    input: () => changed(it),
    press: (event) => press(it, event),
    paste: (event) => { if (event.clipboardData.files.length && inReply()) { event.preventDefault(); it.files.add(event.clipboardData.files); } },
    drag: (event) => { event.preventDefault(); it.ui.box.classList.toggle('drop', event.type === 'dragover' && inReply()); },
    drop: (event) => { event.preventDefault(); it.ui.box.classList.remove('drop'); if (inReply()) it.files.add(event.dataTransfer.files); },
    files: (files) => it.files.add(files),
    way: () => chooseWay(it.ui.way, wayState(it), (way) => takeWay(it, way)),
    send: () => submit(it),
    ways: (event) => openMenu(event.currentTarget, sendMenu(it)),
    offer: (event) => openMenu(event.currentTarget, offerMenu(it)),
    slash: () => { const at = it.ui.area.selectionStart; insert(it, /(^|\s)$/.test(it.ui.area.value.slice(0, at)) ? '/' : ' /', at, at); },
  };
}

function listen(it) {
  const { app: { commands, bus, store, conversationId: id } } = it;
  const open = (mode) => () => { bus.emit('pane', 'thread'); setMode(it, mode); it.ui.area.focus(); };
  const add = (command) => commands.register({ group: say('Conversation'), ...command });
  const route = (one) => JSON.stringify(one?.reply_route ?? null);
  let known = route(store.conversation(id));
  return [
    add({ id: 'reply', title: say('Reply'), keys: 'r', icon: 'reply', run: open('reply') }),
    add({ id: 'note', title: say('Write a note'), keys: 'n', icon: 'lock', run: open('note') }),
    add({ id: 'undo-send', title: say('Undo the last message'), icon: 'undo', when: it.sending.canUndo, run: it.sending.undo }),
    add({ id: 'send-later', title: say('Send later…'), icon: 'clock', when: () => !it.ui.send.disabled && it.mode === 'reply', run: async () => (await loadLater()).askWhen((later) => void submit(it, { later })) }),
    bus.on('compose', (given) => { if (given.conversationId === id) takeBack(it, given.entry); }),
    store.subscribe('channels', () => show(it)), store.subscribe('channelTypes', () => show(it)),
    store.subscribe(`conversation:${id}`, (one) => { if (one.reply_route && route(one) !== known) { known = route(one); void preview(it); } }),
  ];
}

function begin(it) {
  const saved = it.shelf.read();
  if (saved) Object.assign(it, { mode: saved.mode, words: saved.words, chosen: saved.chosen });
  it.mail.fill(saved?.mail ?? {});
  it.ui.area.value = it.words[it.mode];
  show(it);
  void preview(it);
  const propose = (draft) => { setMode(it, 'reply'); takeDraft(it, draft); it.ui.area.focus(); };
  void it.draft.look().then((drafts) => {
    if (drafts.length) showProposals(it.ui.theirs, drafts, propose);
    it.draft.plan(); // what a crash kept from being saved
  });
  if (it.ui.area.value) it.collision.typed(true, false);
}

function setMode(it, mode) {
  it.words[it.mode] = it.ui.area.value;
  it.mode = mode;
  it.ui.area.value = it.words[mode];
  show(it);
  keep(it);
}

function show(it) {
  const { ui, mode, way } = it;
  const note = mode === 'note';
  dressBox(ui, mode);
  showWay(ui, wayState(it), { take: (one) => takeWay(it, one), write: () => { setMode(it, 'note'); ui.area.focus(); } });
  if (note) ui.mail.hidden = true;
  else it.mail.show(way);
  mount(ui.extra, !note && it.extra && extraChip(it));
  it.files.redraw();
  ui.files.hidden = note || !it.files.count;
}

const wayState = (it) => ({ way: it.way, ways: it.ways, channels: it.app.store.get('channels') ?? [], asked: it.asked > 1 || it.ways.length > 0, note: it.mode === 'note' });
const limits = (it) => limitsOf(it.way, it.app.store.get('channels') ?? [], it.app.store.get('channelTypes') ?? []);

function takeWay(it, way) {
  it.chosen = { channel: way.channel, channel_id: way.channel_id, address: way.address };
  it.way = way;
  show(it);
  changed(it);
  it.ui.area.focus();
}

/** Something was written or chosen: it is kept, told and asked about. */
function changed(it) {
  const words = Boolean(it.ui.area.value.trim());
  it.anyway = false;
  it.words[it.mode] = it.ui.area.value;
  it.collision.typed(words, it.mode === 'reply');
  it.canned.listen();
  keep(it);
  if (it.mode === 'reply') it.draft.plan();
  clearTimeout(it.timer);
  it.timer = setTimeout(preview, PREVIEW_AFTER_MS, it);
  if (it.way) it.way = { ...it.way, pieces: [], segments: null }; // until the gateway has counted these words
  showSend(it);
}

/** What the gateway says of these words, for each way. */
async function preview(it) {
  const { api, store, conversationId } = it.app;
  const mine = ++it.asked;
  const { text, parts } = content(it);
  const body = { conversation_id: conversationId, ...mailContent(it), ...(parts ? { parts } : { text: text || NOTHING_YET }) };
  const found = await api.post('/messages/preview', body).catch(() => null);
  if (mine !== it.asked || !found) return;
  it.ways = found.ways;
  it.way = pickWay(found.ways, it.chosen, store.conversation(conversationId)?.reply_route);
  show(it);
}

function showSend(it) {
  const { ui, way } = it;
  const note = it.mode === 'note';
  const empty = !ui.area.value.trim() && (note || (!it.files.count && !it.extra));
  const wrong = !note && (!way || whyClosed(way) || whyNotThese(way) || it.files.busy || it.files.wrong);
  ui.send.disabled = ui.ways.disabled = Boolean(empty || wrong);
  mount(ui.send, icon(note ? 'note' : it.anyway ? 'alert' : 'send'), say(note ? 'Add note' : it.anyway ? 'Send anyway' : 'Send'));
  ui.send.title = 'Ctrl+Enter';
  showCount(ui.count, note || empty ? null : way, ui.area.value);
}

/** The words, and as parts where there is more than words. */
function content(it) {
  const text = it.ui.area.value.trim();
  const more = [...(it.extra ? [it.extra] : []), ...it.files.parts()];
  return more.length ? { text, parts: [...(text ? [{ type: 'text', text }] : []), ...more] } : { text };
}

const mailContent = (it) => (it.way?.channel === 'email' ? it.mail.content() : {});

/** A NewDraft, or null where there is nothing to keep. */
function draftOf(it) {
  const text = it.words.reply.trim();
  return text ? { text, ...(it.chosen ? { channel: it.chosen.channel, channel_id: it.chosen.channel_id } : {}), ...mailContent(it) } : null;
}

function keep(it) {
  const { reply, note } = it.words;
  it.shelf.write(reply || note ? { mode: it.mode, words: it.words, chosen: it.chosen, mail: mailContent(it) } : null);
}

async function submit(it, { close = false, later = {} } = {}) {
  const { ui, way, collision } = it;
  const note = it.mode === 'note';
  if (ui.send.disabled) return;
  if (!note && collision.overtaken && !it.anyway) {
    it.anyway = true;
    showSend(it);
    return void toast(say('Somebody answered while you were writing. Read it, then send again.'));
  }
  const { text, parts } = content(it);
  const body = note ? { text } : { ...(parts ? { parts } : { text }), channel: way.channel, channel_id: way.channel_id, ...mailContent(it), ...later };
  clear(it);
  ui.area.focus();
  await it.sending.send(body, { note, close, channel: note ? null : { type: way.channel, channel_id: way.channel_id } });
}

function clear(it) {
  it.ui.area.value = it.words[it.mode] = '';
  if (it.mode === 'reply') {
    it.extra = null;
    it.files.clear();
    it.mail.fill({});
    void it.draft.forget();
  }
  it.collision.settle();
  changed(it);
  show(it);
}

/** Put words where others stand, as if they were typed, so that the browser's own undo knows them. */
function insert(it, text, from, to) {
  const { area } = it.ui;
  area.focus();
  area.setSelectionRange(from, to);
  if (document.execCommand?.('insertText', false, text)) return;
  area.setRangeText(text, from, to, 'end');
  changed(it);
}

function press(it, event) {
  if (event.isComposing || it.canned.press(event)) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void submit(it, { close: event.shiftKey });
  } else if (event.key === 'Escape') {
    event.stopPropagation();
    it.el.parentElement?.querySelector('.log')?.focus();
  }
}

const sendMenu = (it) => [
  { label: say('Send and close'), detail: 'Ctrl+Shift+Enter', icon: 'check', run: () => void submit(it, { close: true }) },
  { label: say('Send later…'), icon: 'clock', run: async () => (await loadLater()).askWhen((later) => void submit(it, { later })) },
];

function offerMenu(it) {
  const { api, conversationId, store } = it.app;
  const chat = store.conversation(conversationId)?.channels.includes('webchat');
  const item = (kind, words, name) => {
    const able = limits(it)?.parts.includes(kind);
    return { label: say(words), detail: able ? '' : say('only where the channel has them'), icon: name, disabled: !able, run: async () => (await loadLater()).askParts(kind, it.ui.area.value.trim(), (part) => offer(it, part)) };
  };
  const ask = () => api.post(`/conversations/${conversationId}/csat-requests`, {}).then(() => toast(say('They are asked how it went'), { kind: 'ok' }), toastProblem);
  return [item('choices', 'Buttons…', 'check'), item('form', 'A form…', 'rules'), { label: say('Ask how it went'), detail: chat ? '' : say('only in a chat'), icon: 'star', disabled: !chat, run: ask }];
}

function offer(it, part) {
  if (part?.text && part.text === it.ui.area.value.trim()) it.ui.area.value = '';
  it.extra = part;
  show(it);
  changed(it);
}

function extraChip(it) {
  const names = (it.extra.options ?? it.extra.fields).map((one) => one.title ?? one.label).join(' · ');
  return h('p', { class: 'upload' }, icon(it.extra.fields ? 'rules' : 'check'), h('bdi', { class: 'grow' }, names), iconButton('close', say('Remove'), () => offer(it, null)));
}

/** My draft as another device, or an earlier visit, left it. */
function meetDraft(it, found) {
  const mine = it.words.reply.trim();
  if (!mine) return takeDraft(it, found);
  if (found.text.trim() === mine) return undefined;
  return showClash(it.ui.theirs, found, { use: () => { takeDraft(it, found); it.ui.area.focus(); }, keep: () => { it.draft.plan(); it.ui.area.focus(); } });
}

function takeDraft(it, found) {
  it.words.reply = found.text;
  if (found.channel_id) it.chosen = { channel: found.channel, channel_id: found.channel_id };
  it.mail.fill(found);
  if (it.mode === 'reply') it.ui.area.value = found.text;
  changed(it);
}

/** Words that come back: an undo, a message that failed. */
function takeBack(it, entry) {
  setMode(it, entry.type === 'note' ? 'note' : 'reply');
  const parts = entry.parts ?? [];
  const words = parts.length ? parts.filter((part) => part.type === 'text').map((part) => part.text).join('\n') : entry.text;
  it.ui.area.value = [it.ui.area.value, words].filter(Boolean).join('\n');
  it.files.restore(parts.map((part) => part.attachment).filter(Boolean));
  it.extra = parts.find((part) => part.type === 'choices' || part.type === 'form') ?? null;
  show(it);
  changed(it);
  it.ui.area.focus();
}
