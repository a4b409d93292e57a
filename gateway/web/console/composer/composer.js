/** Where answers and notes are written: by which way they leave, what it costs, and why a way is closed. */
import { icon, mount } from '../dom.js';
import { callLater } from '../loading.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';
import { openMenu } from '../timeline/menu.js';
import { buildBox, dressBox } from './box.js';
import { createCanned } from './canned.js';
import { limitsOf, pickWay, whyClosed, whyNotThese } from './channels.js';
import { createCollision } from './collision.js';
import { contentOf, draftOf, gistHere, gistOf, keepContent, mailContent, unpack, unpackKept, wordsOf } from './content.js';
import { createServerDraft, createShelf } from './drafts.js';
import { createFiles } from './files.js';
import { createMailFields } from './mail.js';
import { offerChip, offerMenu } from './offering.js';
import { createSending, undoSeconds } from './sending.js';
import { showClash, showProposals } from './theirs.js';
import { chooseWay, showCount, showWay } from './way.js';

const PREVIEW_AFTER_MS = 350;
const NOTHING_YET = '.'; // what a way would carry is asked before there are words
/** @type {Record<string, string>} */
const SAVED = { saving: 'Saving…', saved: 'Draft saved', failed: 'Saved on this device only' };

/** @param {HTMLElement} el @param {any} app with `conversationId` @returns {{focus(): void, destroy(): void}} */
export function mountComposer(el, app) {
  const it = createComposer(el, app);
  unpackKept(it);
  it.ui.area.value = it.words[it.mode];
  const ends = [...registerWriting(it), ...listenToWriting(it), takeFilesAnywhere(it)];
  show(it);
  void preview(it);
  it.draft = draftsOf(it);
  it.draft.plan(); // what a crash kept from being saved
  if (it.ui.area.value) it.collision.typed(true, false);
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
  const { api, conversationId } = app;
  it.ui = buildBox(el, handlers(it));
  it.shelf = createShelf('words', app);
  it.sending = createSending(app);
  it.collision = createCollision(it.ui.here, app);
  it.files = createFiles(it.ui.files, { api, limits: () => limits(it), onDraw: () => showSend(it), onChange: () => changed(it) });
  it.mail = createMailFields(it.ui.mail, { onChange: () => changed(it) });
  it.canned = createCanned(it.ui.area, { api, conversationId, channel: () => (it.mode === 'reply' ? it.way?.channel ?? null : null), insert: (...given) => insert(it, ...given) });
  it.ui.field.prepend(it.canned.list);
  return it;
}

function handlers(it) {
  return {
    mode: (mode) => { setMode(it, mode); it.ui.area.focus(); },
    tab: (event) => { if (/^Arrow(Left|Right)$/.test(event.key)) { setMode(it, it.mode === 'reply' ? 'note' : 'reply'); it.ui.tabs.querySelector('[aria-selected=true]').focus(); } },
    input: () => changed(it),
    press: (event) => press(it, event),
    paste: (event) => { if (!event.clipboardData.types.includes('text/plain')) takeFiles(it, event, event.clipboardData.files); }, // a copied cell is words and a picture of them
    files: (files) => it.files.add(files),
    way: (event) => chooseWay(event.currentTarget, wayState(it), (way) => takeWay(it, way)),
    send: () => submit(it),
    ways: (event) => openMenu(event.currentTarget, sendMenu(it)),
    offer: (event) => openMenu(event.currentTarget, offerMenu(it.app, { parts: limits(it)?.parts ?? [], text: it.ui.area.value.trim(), offer: (part) => offer(it, part) })),
    slash: () => { const at = it.ui.area.selectionStart; insert(it, /(^|\s)$/.test(it.ui.area.value.slice(0, at)) ? '/' : ' /', at, at); },
  };
}

function registerWriting(it) {
  const { commands, bus } = it.app;
  const open = (mode) => () => { bus.emit('pane', 'thread'); setMode(it, mode); it.ui.area.focus(); };
  const add = (command) => commands.register({ group: t('Conversation'), ...command });
  return [
    add({ id: 'reply', title: t('Reply'), keys: 'r', icon: 'reply', run: open('reply') }),
    add({ id: 'note', title: t('Write a note'), keys: 'n', icon: 'lock', run: open('note') }),
    add({ id: 'undo-send', title: t('Undo the last message'), icon: 'undo', when: it.sending.canUndo, run: it.sending.undo }),
    add({ id: 'send-later', title: t('Send later…'), icon: 'clock', when: () => !it.ui.send.disabled && it.mode === 'reply', run: () => sendLater(it) }),
  ];
}

function listenToWriting(it) {
  const { bus, store, conversationId: id } = it.app;
  const routeOf = (one) => JSON.stringify(one?.reply_route ?? null);
  let { last_inbound_at: heard } = store.conversation(id) ?? {};
  let route = routeOf(store.conversation(id));
  const follow = (one) => {
    const anew = one.last_inbound_at !== heard && !draftOf(it);
    if (anew) it.chosen = null; // whoever wrote is answered where they wrote
    if (anew || (one.reply_route && routeOf(one) !== route)) void preview(it);
    [heard, route] = [one.last_inbound_at, routeOf(one)];
  };
  return [
    bus.on('compose', (given) => { if (given.conversationId === id) takeBack(it, given.entry); }),
    bus.on('live-ready', () => { if (!it.ways.length) void preview(it); }),
    store.subscribe('channels', () => show(it)), store.subscribe('channelTypes', () => show(it)), store.subscribe(`conversation:${id}`, follow),
  ];
}

/** Files may be dropped on the whole conversation; words that are dragged are the browser's business. */
function takeFilesAnywhere(it) {
  const place = it.el.parentElement ?? it.el;
  const drag = (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    it.ui.box.classList.toggle('drop', event.type === 'dragover');
    event.preventDefault();
    if (event.type === 'drop') takeFiles(it, event, event.dataTransfer.files);
  };
  const names = ['dragover', 'dragleave', 'drop'];
  for (const name of names) place.addEventListener(name, drag);
  return () => { for (const name of names) place.removeEventListener(name, drag); };
}

function takeFiles(it, event, files) {
  if (!files.length) return;
  event.preventDefault();
  if (it.mode === 'reply') it.files.add(files);
  else toast(t('A note carries no files.'));
}

function draftsOf(it) {
  const { app, ui } = it;
  const { api, store } = app;
  const done = (work) => work.then((answer) => { if (answer?.object === 'entry') store.putEntry(answer); }, toastProblem);
  const on = {
    send: (draft) => done(api.post(`/drafts/${draft.id}/send`, { version: draft.version, undo_seconds: undoSeconds(app) })),
    discard: (draft) => done(api.del(`/drafts/${draft.id}`)),
    use: (draft) => {
      setMode(it, 'reply');
      takeDraft(it, draft);
      if (draft.author.type === 'bot') on.discard(draft);
      ui.area.focus();
    },
  };
  return createServerDraft(app, {
    content: () => draftOf(it), gist: () => gistHere(it), onMine: (draft) => meetDraft(it, draft), onOthers: (drafts) => showProposals(ui.drafts, drafts, on), onGone: () => empty(it, 'reply'),
    onState: (state) => { ui.saved.textContent = t(SAVED[state] ?? ''); },
  });
}

function setMode(it, mode) {
  it.words[it.mode] = it.ui.area.value;
  it.mode = mode;
  it.ui.area.value = it.words[mode];
  show(it);
  keepContent(it);
}

function show(it) {
  const { ui, mode, way } = it;
  const note = mode === 'note';
  dressBox(ui, mode);
  showWay(ui, wayState(it), { take: (one) => takeWay(it, one), write: () => { setMode(it, 'note'); ui.area.focus(); } });
  it.mail.show(note ? null : way);
  mount(ui.extra, !note && it.extra && offerChip(it.extra, () => offer(it, null)));
  it.files.redraw();
  ui.files.hidden ||= note;
}

const wayState = (it) => ({ way: it.way, ways: it.ways, channels: it.app.store.get('channels'), asked: it.asked > 1 || it.ways.length > 0, note: it.mode === 'note' });
const limits = (it) => limitsOf(it.way, it.app.store.get('channels'), it.app.store.get('channelTypes'));

function takeWay(it, way) {
  it.chosen = { channel: way.channel, channel_id: way.channel_id, address: way.address };
  it.way = way;
  show(it);
  changed(it);
  it.ui.area.focus();
}

/** Something was written or chosen: it is kept, told and asked about. */
function changed(it) {
  it.anyway = false;
  it.words[it.mode] = it.ui.area.value;
  it.collision.typed(Boolean(it.ui.area.value.trim()), it.mode === 'reply');
  it.canned.listen();
  keepContent(it);
  it.draft?.plan();
  clearTimeout(it.timer);
  it.timer = setTimeout(preview, PREVIEW_AFTER_MS, it);
  if (it.way) it.way = { ...it.way, pieces: [], segments: null }; // until the gateway has counted these words
  showSend(it);
}

/** What the gateway says of these words, for each way. */
async function preview(it) {
  const { api, store, conversationId } = it.app;
  const mine = ++it.asked;
  const { text, parts } = contentOf(it, it.words.reply.trim());
  const body = { conversation_id: conversationId, ...mailContent(it), ...(parts ? { parts } : { text: text || NOTHING_YET }) };
  const found = await api.post('/messages/preview', body).catch(() => null);
  if (mine !== it.asked || !found) return;
  it.ways = found.ways;
  it.way = pickWay(found.ways, it.chosen, store.conversation(conversationId)?.reply_route);
  show(it);
}

function showSend(it) {
  const { ui, way, files, anyway } = it;
  const note = it.mode === 'note';
  const empty = !ui.area.value.trim() && (note || (!files.count && !it.extra));
  const wrong = !note && (!way || whyClosed(way) || whyNotThese(way) || files.busy || files.problem);
  ui.send.disabled = ui.ways.disabled = Boolean(empty || wrong);
  mount(ui.send, icon(note ? 'note' : anyway ? 'alert' : 'send'), t(note ? 'Add note' : anyway ? 'Send anyway' : 'Send'));
  showCount(ui.count, note || empty ? null : way, ui.area.value, note ? '' : files.problem);
}

async function submit(it, { close = false, later = {} } = {}) {
  const { ui, way, collision } = it;
  const note = it.mode === 'note';
  if (ui.send.disabled) return;
  if (!note && collision.overtaken && !it.anyway) {
    it.anyway = true;
    showSend(it);
    return void toast(t('Somebody answered while you were writing. Read it, then send again.'));
  }
  const { text, parts } = contentOf(it);
  const body = note ? { text } : { ...(parts ? { parts } : { text }), channel: way.channel, channel_id: way.channel_id, ...mailContent(it), ...later };
  empty(it);
  if (!note) void it.draft.forget();
  ui.area.focus();
  await it.sending.send(body, { note, close, channel: note ? null : { type: way.channel, channel_id: way.channel_id } });
}

function sendLater(it) {
  callLater('askWhen', (later) => void submit(it, { later }));
}

/** What was written has left. */
function empty(it, mode = it.mode) {
  it.words[mode] = '';
  it.ui.area.value = it.words[it.mode];
  if (mode === 'reply') {
    it.extra = null;
    it.files.clear();
    it.mail.fill({});
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
  { label: t('Send and close'), detail: 'Ctrl+Shift+Enter', icon: 'check', run: () => void submit(it, { close: true }) },
  { label: t('Send later…'), icon: 'clock', run: () => sendLater(it) },
];

function offer(it, part) {
  if (part?.text && part.text === it.ui.area.value.trim()) it.ui.area.value = '';
  it.extra = part;
  show(it);
  changed(it);
}

/** My draft as another device, or an earlier visit, left it. */
function meetDraft(it, found) {
  const mine = draftOf(it);
  if (!mine) takeDraft(it, found);
  else if (gistOf(wordsOf(found), found.parts) !== gistHere(it)) showClash(it.ui.theirs, found, { use: () => { takeDraft(it, found); it.ui.area.focus(); }, keep: () => { it.draft.plan(); it.ui.area.focus(); } });
}

function takeDraft(it, found) {
  it.extra = null;
  it.files.clear();
  it.words.reply = unpack(it, found);
  if (it.mode === 'reply') it.ui.area.value = it.words.reply;
  show(it);
  changed(it);
}

/** Words that come back: an undo, a message that failed. */
function takeBack(it, entry) {
  setMode(it, entry.type === 'note' ? 'note' : 'reply');
  const before = it.ui.area.value;
  it.ui.area.value = [before, it.mode === 'note' ? entry.text : unpack(it, entry)].filter(Boolean).join('\n');
  it.way = pickWay(it.ways, it.chosen, it.way);
  show(it);
  changed(it);
  it.ui.area.focus();
}
