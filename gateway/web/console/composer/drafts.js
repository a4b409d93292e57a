/**
 * Drafts. Each keystroke is kept in this browser, so that a crash loses nothing; after a pause the draft is saved with the
 * conversation, so that another device has it. Whoever saves second is told, and nothing is overwritten unseen.
 */

const SAVE_AFTER_MS = 1500;
const DRAFT_PLACE = 'switchboard.draft';

/** What this browser keeps about one conversation. @param {string} kind 'words' or 'unsent' @param {any} app */
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
 * @param {{content: () => any, onMine: (draft: any) => void, onOthers: (drafts: any[]) => void, onGone: () => void, onState: (state: string) => void}} told
 * `content` is a NewDraft or null; `onMine` a newer one of another device, `onGone` that it has left from there
 */
export function createServerDraft(app, told) {
  const it = /** @type {any} */ ({ ...app, ...told, known: null, left: null, saved: '', timer: 0, busy: Promise.resolve() });
  const queue = (work) => { it.busy = it.busy.then(() => work(it)).catch((problem) => meetRefusal(it, problem)); return it.busy; };
  const stop = () => clearTimeout(it.timer);
  const end = app.bus.on('event', (event) => { if (concerns(it, event)) void queue(() => hearOfDraft(it, event)); });
  void queue(lookAtDrafts);
  return {
    plan() {
      stop();
      it.timer = setTimeout(queue, SAVE_AFTER_MS, saveDraft);
    },
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
  const page = await it.api.get(`/conversations/${it.conversationId}/drafts`, { state: 'open', limit: 20 });
  const isMine = (draft) => draft.author.id === it.store.me?.id;
  const found = page.data.filter(isMine).at(-1);
  const news = found && (found.id !== it.known?.id || found.version > it.known.version);
  it.onOthers(page.data.filter((draft) => !isMine(draft)));
  if (found) it.known = found;
  if (news) it.onMine(found);
}

async function saveDraft(it) {
  const { api, known } = it;
  const wanted = it.content();
  const sign = JSON.stringify(wanted);
  if (sign === it.saved) return;
  if (!wanted) return void await forgetDraft(it);
  it.onState('saving');
  it.known = known ? await api.patch(`/drafts/${known.id}`, { ...wanted, version: known.version }) : await api.post(`/conversations/${it.conversationId}/drafts`, wanted);
  it.saved = sign;
  it.onState('saved');
}

async function forgetDraft(it) {
  const { known } = it;
  Object.assign(it, { known: null, saved: '', left: known?.id });
  it.onState('');
  if (known) await it.api.del(`/drafts/${known.id}`).catch(() => undefined);
}

async function meetRefusal(it, problem) {
  if (problem.code === 'version_mismatch') return lookAtDrafts(it).catch(() => it.onState('failed'));
  if (problem.status === 404 || problem.code === 'state_conflict') it.known = null; // it has left from elsewhere
  return it.onState(problem.status === 404 ? '' : 'failed');
}

function concerns(it, { conversation_id: conversation, type, data }) {
  return conversation === it.conversationId && type.startsWith('draft.') && data?.facts?.draft_id !== it.left;
}

async function hearOfDraft(it, { type, data: { facts } }) {
  const mine = facts.draft_id === it.known?.id;
  if (mine && type === 'draft.updated' && facts.version <= it.known.version) return;
  if (mine && type !== 'draft.updated' && type !== 'draft.created') {
    const same = JSON.stringify(it.content()) === it.saved;
    Object.assign(it, { known: null, saved: '' });
    if (same) it.onGone();
  }
  await lookAtDrafts(it);
}
