/** Who else is here: that nobody answers twice, and that others see who writes. */
import { button, h, icon, mount } from '../dom.js';
import { t } from '../strings.js';

const TELL_EVERY_MS = 3000;
const STOPPED_AFTER_MS = 5000;

/** @param {HTMLElement} el a live region @param {any} app */
export function createCollision(el, app) {
  const { conversationId: id, store } = app;
  const it = { el, app, told: 0, timer: 0, seq: 0, overtaken: /** @type {any} */ (null), words: false };
  const draw = () => drawOthers(it);
  const ends = [store.subscribe(`typing:${id}`, draw), store.subscribe(`viewers:${id}`, draw), store.subscribe(`entries:${id}`, () => watchOthers(it))];
  draw();
  return {
    /** @param {boolean} words whether something is written @param {boolean} aloud whether others are told */
    typed(words, aloud) {
      if (words && !it.words) it.seq = lastSeqOf(it);
      it.words = words;
      if (!words && it.overtaken) settleCollision(it);
      if (words && aloud) tellWriting(it);
      else stopWriting(it);
    },
    get overtaken() { return it.overtaken; },
    settle: () => settleCollision(it),
    destroy() {
      stopWriting(it);
      for (const end of ends) end();
    },
  };
}

const lastSeqOf = ({ app: { store, conversationId } }) => store.entries(conversationId).items.at(-1)?.seq ?? 0;

function drawOthers(it) {
  const { store, bus, conversationId: id } = it.app;
  const nameOr = (one) => one?.name ?? t('Somebody');
  const writing = store.typing(id).filter(({ actor }) => actor.type !== 'contact').map(({ actor }) => nameOr(actor));
  const viewing = store.viewers(id).map(nameOr).filter((name) => !writing.includes(name));
  const warn = (name, words, ...more) => h('p', { class: 'collision warn' }, icon(name), h('span', { class: 'grow' }, words), more);
  const link = (words, run) => button(t(words), run, { class: 'link' });
  mount(it.el,
    it.overtaken && warn('alert', t('{name} answered while you were writing.', { name: nameOr(it.overtaken.author) }),
      link('Read it', () => bus.emit('show-entry', it.overtaken.id)), link('All right', () => settleCollision(it))),
    writing.length > 0 && warn('edit', sayWho(writing, '{names} is writing an answer', '{names} are writing answers')),
    viewing.length > 0 && h('p', { class: 'here' }, icon('eye'), sayWho(viewing, '{names} is viewing', '{names} are viewing')));
}

function sayWho(names, one, many) {
  return t(names.length > 1 ? many : one, { names: names.join(', ') });
}

/** Somebody else's answer that came after the first word here. */
function watchOthers(it) {
  const { store, conversationId } = it.app;
  if (!it.words || it.overtaken) return;
  it.overtaken = store.entries(conversationId).items.find((entry) => entry.seq > it.seq && entry.type === 'message' && entry.direction === 'outbound' && entry.author.id !== store.me?.id) ?? null;
  if (it.overtaken) drawOthers(it);
}

function settleCollision(it) {
  it.overtaken = null;
  it.seq = lastSeqOf(it);
  drawOthers(it);
}

function tellWriting(it) {
  if (Date.now() - it.told > TELL_EVERY_MS) {
    it.told = Date.now();
    tellOthers(it, true);
  }
  clearTimeout(it.timer);
  it.timer = setTimeout(stopWriting, STOPPED_AFTER_MS, it);
}

function stopWriting(it) {
  clearTimeout(it.timer);
  if (it.told) tellOthers(it, false);
  it.told = 0;
}

function tellOthers({ app: { live, api, conversationId } }, typing) {
  if (!live.send({ type: 'typing', conversation_id: conversationId, typing })) api.post(`/conversations/${conversationId}/typing`, { typing }).catch(() => undefined);
}
