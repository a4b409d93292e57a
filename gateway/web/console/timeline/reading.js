/** Read is what stood on the screen of somebody who looked, a moment long. */

const READ_AFTER_MS = 700;
const SEEN_PX = 20; // so much of a message has to be above the edge

/** @param {any} app @param {{log: HTMLElement, rows: HTMLElement}} ui @returns {{plan(): void, stop(): void}} */
export function createReading({ conversationId: id, store, api }, { log, rows }) {
  let timer = 0, told = 0;
  const read = async () => {
    const seq = lastInView(log, rows, store.entries(id).items);
    if (!store.conversation(id)?.counts?.unread || seq <= told || document.hidden || !document.hasFocus()) return;
    told = seq;
    await api.post(`/conversations/${id}/read`, { up_to_seq: seq }).then(store.putConversation, () => { told = 0; });
  };
  const stop = () => clearTimeout(timer);
  return {
    plan() {
      stop();
      timer = setTimeout(read, READ_AFTER_MS);
    },
    stop,
  };
}

function lastInView(log, rows, entries) {
  const edge = log.getBoundingClientRect().bottom - SEEN_PX;
  const shown = [...rows.querySelectorAll('.entry')].findLast((row) => row.getBoundingClientRect().top < edge);
  return entries.find((entry) => entry.id === shown?.id)?.seq ?? 0;
}
