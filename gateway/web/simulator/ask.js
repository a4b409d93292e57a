/** Asking the gateway: the customer's screens below /sim/api, and the agent's API below /v1 by the session's cookie. */

export class Refused extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(problem?.detail ?? 'The gateway cannot be reached at the moment.');
    this.name = 'Refused';
    this.status = status;
    this.code = problem?.code ?? 'unreachable';
  }
}

/**
 * The JSON of an answer, or a Refused.
 * @param {string} path
 * @param {any} [body] makes it a POST
 * @returns {Promise<any>}
 */
export async function ask(path, body) {
  const post = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, body === undefined ? {} : post).catch(() => null);
  if (!answer) throw new Refused(0, null);
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

/**
 * The id of the conversation in which somebody at an address has written since a moment, in milliseconds; null where
 * there is none yet, or the agent may not see it.
 * @param {string} address
 * @param {number} since
 * @returns {Promise<string|null>}
 */
export async function conversationWith(address, since) {
  const contacts = await ask(`/v1/contacts?identity=${encodeURIComponent(address)}`);
  if (!contacts.data.length) return null;
  const found = await ask(`/v1/conversations?contact=${contacts.data[0].id}&limit=5`);
  return found.data.find((one) => Date.parse(one.last_inbound_at) >= since)?.id ?? null;
}
