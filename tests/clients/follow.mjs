// Follows a gateway's feed with the built client until so many messages have come, then prints their words as JSON.
// node [--experimental-websocket] follow.mjs FOLDER URL KEY sse|socket COUNT
import { pathToFileURL } from "node:url";

const [folder, baseUrl, apiKey, way, count] = process.argv.slice(2);
const { createClient, everyItem, LiveSocket, must, streamEvents } = await import(pathToFileURL(`${folder}/index.js`).href);
const api = createClient({ baseUrl, apiKey });

const list = await api.GET("/v1/conversations");
const after = list.response.headers.get("Event-Cursor");
const options = { baseUrl, apiKey, after, backoff: { baseMs: 20, maxMs: 100 } };
const events = way === "socket" ? new LiveSocket(options) : streamEvents(options);
console.log(JSON.stringify({ after }));

const words = [];
for await (const event of events) {
  if (event.type === "message.created" && words.push(event.data.entry.text) === Number(count)) break;
}
const read = (cursor) => must(api.GET("/v1/contacts", { params: { query: { cursor, limit: 2 } } }));
const contacts = [];
for await (const contact of everyItem(read)) contacts.push(contact.id);
const refused = await must(api.GET("/v1/agents/{agent_id}", { params: { path: { agent_id: "agt_none" } } })).catch((error) => error);
console.log(JSON.stringify({ words, contacts, refused: { code: refused.code, status: refused.status } }));
process.exit(0);
