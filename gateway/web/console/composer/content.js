/** What is written, as a message, as a draft and as it is kept here; and all of it brought back into the box. */

/** The words, and as parts where there is more than words. @param {any} it the composer @param {string} [text] */
export function contentOf(it, text = it.ui.area.value.trim()) {
  const more = moreThanWords(it);
  return more.length ? { text, parts: [...(text ? [{ type: 'text', text }] : []), ...more] } : { text };
}

const moreThanWords = (it) => [...(it.extra ? [it.extra] : []), ...it.files.parts()];

/** What only a mail says. @param {any} it */
export const mailContent = (it) => (it.way?.channel === 'email' ? it.mail.content() : {});

/** A NewDraft, or null where there is nothing to keep. @param {any} it */
export function draftOf(it) {
  const { text, parts } = contentOf(it, it.words.reply.trim());
  const way = it.chosen && { channel: it.chosen.channel, channel_id: it.chosen.channel_id };
  return text || parts ? { ...(parts ? { parts } : { text }), ...way, ...mailContent(it) } : null;
}

/** Keep it in this browser. @param {any} it */
export function keepContent(it) {
  const { mode, words, chosen } = it;
  const parts = moreThanWords(it);
  it.shelf.write(words.reply || words.note || parts.length ? { mode, words, chosen, parts, mail: mailContent(it) } : null);
}

/** Bring back what this browser kept. @param {any} it */
export function unpackKept(it) {
  const kept = it.shelf.read();
  if (kept) Object.assign(it, { mode: kept.mode, words: kept.words, chosen: kept.chosen });
  it.mail.fill(kept?.mail ?? {});
  takeParts(it, kept?.parts ?? []);
}

/** Everything that a draft, a message or a scheduled one says, but the words: they are answered. @param {any} it @param {any} given @returns {string} */
export function unpack(it, given) {
  const parts = given.parts ?? [];
  const sent = given.channel?.channel_id ? { channel: given.channel.type, channel_id: given.channel.channel_id } : null;
  const chosen = given.channel_id ? { channel: given.channel, channel_id: given.channel_id } : sent;
  if (chosen) it.chosen = chosen;
  it.mail.fill(given.body ?? { subject: given.letter?.subject, cc: addressesOf(given, 'cc'), bcc: addressesOf(given, 'bcc'), ...given });
  takeParts(it, parts);
  return wordsOf(given);
}

/** What was written by hand. @param {any} given @returns {string} */
export function wordsOf({ text, parts = [] }) {
  const more = parts.some((part) => part.attachment || part.options || part.fields);
  return more ? parts.filter((part) => part.type === 'text').map((part) => part.text).join('\n') : text;
}

/** What words and parts come to, to tell whether two say the same. @param {string} words @param {any[]} [parts] @returns {string} */
export function gistOf(words, parts = []) {
  return JSON.stringify([words.trim(), ...parts.map(({ attachment, type }) => attachment?.id ?? type).filter((one) => one !== 'text')]);
}

/** @param {any} it */
export const gistHere = (it) => gistOf(it.words.reply, moreThanWords(it));

function addressesOf({ recipients = [] }, role) {
  return recipients.filter((one) => one.role === role).map((one) => one.address);
}

function takeParts(it, parts) {
  it.files.restore(parts.map((part) => part.attachment).filter(Boolean));
  it.extra = parts.find((part) => part.type === 'choices' || part.type === 'form') ?? it.extra;
}
