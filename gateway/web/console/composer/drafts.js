/**
 * Drafts. Each keystroke is kept in this browser, so that a crash loses nothing; after a pause the draft is saved with the
 * conversation, so that another device has it. Whoever saves second is told, and nothing is overwritten unseen.
 */

const SAVE_AFTER_MS = 1500;
const PLACE = 'switchboard.draft';

/** @param {string} kind @param {string | undefined} agent @param {string} conversation */
const placeOf = (kind, agent, conversation) => `${PLACE}.${kind}.${agent ?? 'me'}.${conversation}`;

/** What this browser keeps about one conversation. @param {string} kind 'words' or 'unsent' @param {any} app */
export function createShelf(kind, { store, conversationId }) {
  const place = placeOf(kind, store.me?.id, conversationId);
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
 * @param {{content: () => any, onTheirs: (draft: any) => void, onState: (state: string) => void}} told `content` is a NewDraft or null
 */
export function createServerDraft({ api, bus, store, conversationId: id }, { content, onTheirs, onState }) {
  const it = /** @type {any} */ ({ known: null, timer: 0, busy: Promise.resolve(), saved: '' });
  const mine = (draft) => draft.state === 'open' && draft.author.id === store.me?.id;

  const save = async () => {
    const wanted = content();
    const sign = JSON.stringify(wanted);
    if (sign === it.saved) return;
    if (!wanted) return forget();
    onState('saving');
    it.known = it.known ? await api.patch(`/drafts/${it.known.id}`, { ...wanted, version: it.known.version }) : await api.post(`/conversations/${id}/drafts`, wanted);
    it.saved = sign;
    onState('saved');
  };
  const clash = async (problem) => {
    if (problem.status === 404) it.known = null;
    if (problem.status === 412 || problem.code === 'version_mismatch') return look();
    onState(problem.status === 404 ? '' : 'failed');
  };
  const forget = async () => {
    const { known } = it;
    [it.known, it.saved] = [null, ''];
    onState('');
    if (known) await api.del(`/drafts/${known.id}`).catch(() => undefined);
  };
  const queue = (work) => { it.busy = it.busy.then(work).catch(clash); return it.busy; };

  /** What is kept there; the caller decides whether it is news. */
  const look = async () => {
    const page = await api.get(`/conversations/${id}/drafts`, { state: 'open', limit: 20 }).catch(() => null);
    const found = page?.data.filter(mine).at(-1) ?? null;
    const news = found && (found.id !== it.known?.id || found.version > it.known.version);
    if (found) it.known = found;
    if (news) onTheirs(found);
    return page?.data.filter((draft) => !mine(draft)) ?? [];
  };

  const end = bus.on('event', (event) => {
    const { draft_id: draft, version } = event.data?.facts ?? {};
    if (event.conversation_id !== id || event.type !== 'draft.updated' || draft !== it.known?.id) return;
    void queue(() => (version > (it.known?.version ?? 0) ? look() : undefined));
  });
  return {
    look,
    plan() {
      clearTimeout(it.timer);
      it.timer = setTimeout(() => queue(save), SAVE_AFTER_MS);
    },
    forget: () => { clearTimeout(it.timer); return queue(forget); },
    destroy() {
      clearTimeout(it.timer);
      void queue(save);
      end();
    },
  };
}
