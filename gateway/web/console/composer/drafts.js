/**
 * Drafts. Each keystroke is kept in this browser, so that a crash loses nothing; after a pause the draft is saved with the
 * conversation, so that another device has it. Whoever saves second is told, and nothing is overwritten unseen; what has
 * left from another device is gone here as well, also if that happened while nobody looked.
 */
import { gistOf, wordsOf } from './content.js';

const SAVE_AFTER_MS = 1500;
const DRAFTS_READ = 100;
const DRAFT_PLACE = 'switchboard.draft';

/** What this browser keeps about one conversation. @param {string} kind 'words', 'draft' or 'unsent' @param {any} app */
export function createShelf(kind, { store, conversationId }) {
  const place = `${DRAFT_PLACE}.${kind}.${store.me?.id ?? 'me'}.${conversationId}`;
  return {
    /** @returns {any} */
    read() {
      try {
        return JSON.parse(localStorage.getItem(place) ?? 'null');
      } catch {
        return null;
      }
    },
    /** @param {any} value null or an empty list forgets */
    write(value) {
      try {
        if (!value || value.length === 0) localStorage.removeItem(place);
        else localStorage.setItem(place, JSON.stringify(value));
      } catch {
        // A full or forbidden storage costs the draft of a crash, nothing else.
      }
    },
  };
}

/**
 * The draft as it is kept with the conversation.
 * @param {any} app
 * @param {{content: () => any, gist: () => string, onMine: (draft: any) => void, onOthers: (drafts: any[]) => void, onGone: () => void, onState: (state: string) => void}} told
 * `content` is a NewDraft or null, `gist` what it comes to; `onMine` a newer one of another device, `onGone` that it has left from there
 */
export function createServerDraft(app, told) {
  const shelf = createShelf('draft', app);
  const it = /** @type {any} */ ({ ...app, ...told, shelf, known: shelf.read(), left: null, saved: '', timer: 0, busy: Promise.resolve() });
  const queue = (work) => { it.busy = it.busy.then(() => work(it)).catch((problem) => meetRefusal(it, problem)); return it.busy; };
  const stop = () => clearTimeout(it.timer);
  it.plan = () => { stop(); it.timer = setTimeout(queue, SAVE_AFTER_MS, saveDraft); };
  const end = app.bus.on('event', (event) => { if (concerns(it, event)) void queue(() => hearOfDraft(it, event)); });
  void queue(lookAtDrafts);
  return {
    plan: it.plan,
    forget() {
      stop();
      return queue(forgetDraft);
    },
    destroy() {
      stop();
      void queue(saveDraft);
      end();
    },
  };
}

/** What is kept there; mine is told where it is news. */
async function lookAtDrafts(it) {
  const page = await it.api.get(`/conversations/${it.conversationId}/drafts`, { state: 'open', limit: DRAFTS_READ });
  const { known } = it;
  const isMine = (draft) => draft.author.id === it.store.me?.id;
  const mine = page.data.filter(isMine);
  const found = mine.at(-1);
  it.onOthers(page.data.filter((draft) => !isMine(draft)));
  if (known && !page.page.has_more && !mine.some(({ id }) => id === known.id)) leave(it, known);
  if (!found) return;
  know(it, found);
  if (found.id !== known?.id || found.version > known.version) it.onMine(found);
}

/** It has left from elsewhere, and so has what is written here; what was changed since is another draft. */
function leave(it, known) {
  know(it, null);
  if (it.gist() === known.gist) it.onGone();
  else it.plan();
}

function know(it, draft) {
  it.known = draft && { id: draft.id, version: draft.version, gist: gistOf(wordsOf(draft), draft.parts) };
  if (!draft) it.saved = '';
  it.shelf.write(it.known);
}

async function saveDraft(it) {
  const { api, known } = it;
  const wanted = it.content();
  const sign = JSON.stringify(wanted);
  if (sign === it.saved) return;
  if (!wanted) return void await forgetDraft(it);
  it.onState('saving');
  know(it, known ? await api.patch(`/drafts/${known.id}`, { ...wanted, version: known.version }) : await api.post(`/conversations/${it.conversationId}/drafts`, wanted));
  it.saved = sign;
  it.onState('saved');
}

async function forgetDraft(it) {
  const { known } = it;
  know(it, null);
  it.left = known?.id;
  it.onState('');
  if (known) await it.api.del(`/drafts/${known.id}`).catch(() => undefined);
}

async function meetRefusal(it, problem) {
  const moved = problem.status === 404 || ['version_mismatch', 'state_conflict'].includes(problem.code);
  if (!it.known || !moved) return it.onState('failed');
  return lookAtDrafts(it).catch(() => it.onState('failed'));
}

function concerns(it, { conversation_id: conversation, type, data }) {
  return conversation === it.conversationId && type.startsWith('draft.') && data?.facts?.draft_id !== it.left;
}

async function hearOfDraft(it, { type, data: { facts } }) {
  const heard = type === 'draft.updated' && facts.draft_id === it.known?.id && facts.version <= it.known.version;
  if (!heard) await lookAtDrafts(it);
}
