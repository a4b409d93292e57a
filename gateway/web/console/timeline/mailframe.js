/**
 * The HTML of a mail. It is shown by a page of its own in a sandbox of its own origin (mail.html, whose policy forbids all
 * code but ours and all loading): the console's policy would take the mail's looks away, and a frame that nobody may look
 * into could not tell how tall it is. Nothing of the mail becomes markup in the console's own page.
 */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';
import { folded, grow } from './grown.js';
import { readText } from './text.js';

const RIGHTS = 'allow-scripts allow-popups allow-popups-to-escape-sandbox'; // never allow-same-origin
const TALLEST_PX = 20_000;
const RICH = /<(?!\/?(?:div|p|br|span|wbr)\b)[a-z]|\s(?:style|align|bgcolor)=/i;
const FRAME = new URL('mail.html', import.meta.url).href;
const WITH_PICTURES = new URL('mail-pictures.html', import.meta.url).href; // the same by a policy that lets them load

/** Mail that is words alone is shown as words. @param {any} part @param {any} entry @param {{mark: (node: any) => any}} more */
export function mailPart(part, entry, { mark }) {
  const plain = !RICH.test(part.html) && entry.parts.filter((one) => one.type === 'html' || one.type === 'text').length === 1;
  const shown = plain ? h('div', { class: 'words', dir: 'auto' }, mark(readText(entry.text).map(grow))) : mailFrame(part.html, entry);
  return h('div', { class: plain ? '' : 'mail' }, shown,
    part.quoted && laterFrame('Show what was quoted', part.quoted, entry),
    part.signature && laterFrame('Show the signature', part.signature, entry));
}

/** Made when it is opened: many mails carry all those before them. */
function laterFrame(label, html, entry) {
  const details = folded(label, null);
  details.addEventListener('toggle', () => details.querySelector('iframe') ?? details.append(mailFrame(html, entry)));
  return details;
}

/** @param {string} html sanitised by the gateway @param {any} entry */
function mailFrame(html, entry) {
  const frame = h('iframe', { src: FRAME, title: t('The mail as it was written'), referrerPolicy: 'no-referrer', loading: 'lazy' });
  frame.setAttribute('sandbox', RIGHTS);
  const held = /\sdata-src=/i.test(html) && askForPictures(() => { held?.remove(); frame.src = WITH_PICTURES; });
  const show = (pictures) => frame.contentWindow?.postMessage({ html, pictures, remote: frame.src === WITH_PICTURES }, '*'); // an opaque origin has no name
  const heard = (event) => {
    if (!frame.isConnected && frame.dataset.seen) return window.removeEventListener('message', heard);
    if (event.source !== frame.contentWindow) return;
    frame.dataset.seen = '1';
    if (event.data?.ready) void picturesOf(html, entry).then(show);
    if (event.data?.height > 0) frame.style.setProperty('block-size', `${Math.min(event.data.height, TALLEST_PX)}px`);
  };
  window.addEventListener('message', heard);
  return h('div', { class: 'mail-page' }, held, frame);
}

function askForPictures(show) {
  return h('p', { class: 'held' }, icon('image'), h('span', { class: 'grow' }, t('Pictures from the web are held back: loading them tells the sender that you read this.')),
    h('button', { type: 'button', class: 'link', onclick: show }, t('Show pictures')));
}

/** The mail's own pictures as `data:` addresses by attachment: the frame may ask nobody for anything. */
async function picturesOf(html, entry) {
  const named = new Set([...html.matchAll(/\sdata-attachment="(att_\w+)"/g)].map(([, id]) => id));
  const own = entry.parts.filter((part) => named.has(part.attachment?.id) && part.attachment.url);
  const read = async ({ attachment }) => [attachment.id, await dataAddress(attachment.url).catch(() => null)];
  return Object.fromEntries(await Promise.all(own.map(read)));
}

async function dataAddress(url) {
  const response = await fetch(url, { credentials: 'same-origin' });
  if (!response.ok) return null;
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => { reader.onload = resolve; reader.onerror = reject; });
  reader.readAsDataURL(await response.blob());
  await read;
  return reader.result;
}
