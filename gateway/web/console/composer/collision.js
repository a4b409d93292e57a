/** Who else is here: that nobody answers twice, and that others see who writes. */
import { h, icon, mount } from '../dom.js';
import { say } from '../timeline/words.js';

const TELL_EVERY_MS = 3000;
const STOPPED_AFTER_MS = 5000;

/** @param {HTMLElement} el a live region @param {any} app */
export function createCollision(el, { conversationId: id, store, live, api, bus }) {
  const it = { told: 0, timer: 0, seq: 0, overtaken: /** @type {any} */ (null), words: false };
  const tell = (typing) => live.send({ type: 'typing', conversation_id: id, typing }) || api.post(`/conversations/${id}/typing`, { typing }).catch(() => undefined);

  function draw() {
    const writing = store.typing(id).filter(({ actor }) => actor.type !== 'contact').map(({ actor }) => actor.name ?? say('Somebody'));
    const viewing = store.viewers(id).map((one) => one.name).filter((name) => !writing.includes(name));
    mount(el,
      it.overtaken && warn('alert', say('{name} answered while you were writing.', { name: it.overtaken.author.name ?? say('Somebody') }),
        h('button', { type: 'button', class: 'link', onclick: () => { bus.emit('show-entry', it.overtaken.id); } }, say('Read it')),
        h('button', { type: 'button', class: 'link', onclick: settle }, say('All right'))),
      writing.length > 0 && warn('edit', say('{names} is writing an answer', { names: writing.join(', ') })),
      viewing.length > 0 && h('p', { class: 'here' }, icon('eye'), say('{names} is viewing', { names: viewing.join(', ') })));
  }
  const warn = (name, words, ...more) => h('p', { class: 'collision warn' }, icon(name), h('span', { class: 'grow' }, words), more);

  function settle() {
    it.overtaken = null;
    it.seq = lastSeq();
    draw();
  }
  const lastSeq = () => store.entries(id).items.at(-1)?.seq ?? 0;

  /** Somebody else's answer that came after the first word here. */
  function watch() {
    if (!it.words || it.overtaken) return;
    it.overtaken = store.entries(id).items.find((entry) => entry.seq > it.seq && entry.type === 'message' && entry.direction === 'outbound' && entry.author.id !== store.me?.id) ?? null;
    if (it.overtaken) draw();
  }

  function stop() {
    clearTimeout(it.timer);
    if (it.told) void tell(false);
    it.told = 0;
  }

  const ends = [store.subscribe(`typing:${id}`, draw), store.subscribe(`viewers:${id}`, draw), store.subscribe(`entries:${id}`, watch)];
  draw();
  return {
    /** @param {boolean} words whether something is written @param {boolean} aloud whether others are told */
    typed(words, aloud) {
      if (words && !it.words) it.seq = lastSeq();
      it.words = words;
      if (!words) { it.overtaken = null; draw(); }
      if (!words || !aloud) return stop();
      if (Date.now() - it.told > TELL_EVERY_MS) { it.told = Date.now(); void tell(true); }
      clearTimeout(it.timer);
      it.timer = setTimeout(stop, STOPPED_AFTER_MS);
    },
    get overtaken() { return it.overtaken; },
    settle,
    destroy() {
      stop();
      for (const end of ends) end();
    },
  };
}
