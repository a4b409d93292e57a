const { connect, line, list, entries, reply } = window; // the elements of the page, by their ids
const conversations = new Map(); // id -> Conversation
let server, open, cursor;
const tell = ({ message }) => ([line.textContent, line.hidden] = [message, false]);

async function api(path, body, headers = {}) {
  const post = { method: 'POST', body: JSON.stringify(body) };
  const typed = body ? { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() } : {};
  const all = { headers: { Authorization: `Bearer ${server.key}`, ...typed, ...headers }, ...(body && post) };
  const answer = await fetch(`${server.url}/v1${path}`, all);
  if (answer.ok) return answer;
  throw Object.assign(new Error((await answer.json()).detail), { status: answer.status });
}

async function readList() { // the header says from where the stream goes on: nothing is missed in between
  const answer = await api('/conversations?limit=50');
  cursor = answer.headers.get('Event-Cursor');
  for (const one of (await answer.json()).data) conversations.set(one.id, one);
  drawList();
}

function drawList() {
  const newest = [...conversations.values()].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  list.replaceChildren(...newest.map((one) => {
    const item = document.createElement('li');
    const button = item.appendChild(document.createElement('button'));
    const textContent = `${one.contact.name ?? 'Somebody'}: ${one.preview ?? ''}`;
    Object.assign(button, { textContent, ariaCurrent: one.id === open, onclick: () => show(one.id) });
    return item;
  }));
}

async function show(id) {
  [open, reply.hidden] = [id, false];
  entries.replaceChildren();
  drawList();
  const answer = await api(`/conversations/${id}/entries?limit=50`);
  if (open === id) for (const entry of (await answer.json()).data) drawEntry(entry);
}

function drawEntry(entry) { // comes again with each change: one element by its id
  if (entry.type !== 'message') return;
  const shown = document.getElementById(entry.id) ?? document.createElement('p');
  const className = `${entry.direction} ${entry.delivery?.state ?? ''}`;
  Object.assign(shown, { id: entry.id, seq: entry.seq, className, textContent: entry.text }); // text, never HTML
  if (!shown.isConnected) entries.insertBefore(shown, [...entries.children].find((one) => one.seq > entry.seq) ?? null);
  shown.scrollIntoView();
}

async function follow() { // server-sent events by fetch: the key is in a header, a cut line goes on where it was
  for (connect.hidden = true; ;) {
    try {
      const answer = await api('/events/stream', undefined, { 'Last-Event-ID': cursor });
      tell({ message: 'Live' });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = '', chunk; !(chunk = await reader.read()).done;) {
        const frames = (rest + chunk.value).split('\n\n');
        rest = frames.pop();
        for (const frame of frames) await take(frame);
      }
    } catch (error) { if ([401, 403].includes(error.status)) throw error; }
    tell({ message: 'Connecting …' });
    await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 2000));
  }
}

async function take(frame) { // lines of "name: value"; one without data only moves the cursor
  const { id, event, data } = Object.fromEntries(frame.split('\n').map((field) => field.split(/: (.*)/s, 2)));
  cursor = id ?? cursor;
  if (event === 'reset') return readList();
  const { entry, conversation } = event === 'ready' || !data ? {} : JSON.parse(data).data;
  if (conversation) conversations.set(conversation.id, { ...conversations.get(conversation.id), ...conversation });
  if (entry && entry.conversation_id === open) drawEntry(entry);
  drawList();
}

reply.onsubmit = (event) => {
  event.preventDefault();
  const sent = api(`/conversations/${open}/messages`, { text: reply.elements.text.value });
  sent.then(() => reply.reset(), tell);
};
connect.onsubmit = (event) => {
  event.preventDefault();
  server = Object.fromEntries(new FormData(connect));
  readList().then(follow).catch(tell);
};
