/** What a message is made of, part by part. A kind that is not known shows the words that stand for it. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';
import { folded, grow } from './grown.js';
import { mailPart } from './mailframe.js';
import { readText } from './text.js';
import { size } from './times.js';

/** @type {Record<string, (part: any, entry: any, more: {mark: (node: any) => any, onPicture: (part: any) => void}) => any>} */
const PARTS = {
  text: textPart,
  html: mailPart,
  image: (part, _, { onPicture }) => picture(part, 'picture', () => onPicture(part)),
  sticker: (part) => picture(part, 'sticker'),
  audio: (part) => player('audio', part.attachment),
  video: (part) => player('video', part.attachment),
  file: (part) => fileCard(part.attachment),
  location: locationPart,
  contact_card: (part) => card('user', part.name, [...part.phones, ...part.emails].join(' · ')),
  template: (part) => card('rules', t('Template {name}', part), [part.language, ...Object.values(part.variables ?? {})].join(' · ')),
  choices: choicesPart,
  choice_reply: (part) => h('p', { class: 'chosen' }, icon('check'), h('bdi', {}, part.title)),
  form: (part) => card('note', part.title ?? t('Form'), (part.fields ?? []).map((field) => field.label).join(' · ')),
  form_reply: formReply,
  link_preview: linkPart,
  transcript: (part) => h('p', {}, part.text ?? ''),
  unsupported: (part) => card('help', part.fallback, t('This kind cannot be shown here: {provider_type}', part)),
};

/** @param {any} entry @param {{mark: (node: any) => any, onPicture: (part: any) => void}} more @returns {any[]} */
export function entryParts(entry, more) {
  if (!entry.parts?.length) return entry.text ? [textPart({ text: entry.text }, entry, more)] : [];
  const shown = entry.parts.filter((part) => !isInside(part, entry.parts));
  return shown.map((part) => (PARTS[part.type] ?? unknownPart)(part, entry, more));
}

/** Whether a picture stands in the mail's own HTML. */
function isInside({ attachment }, parts) {
  return Boolean(attachment?.id) && parts.some((part) => part.html?.includes(`data-attachment="${attachment.id}"`));
}

/** @param {any} attachment @returns {any} */
export function fileCard(attachment) {
  const { name, state, scan, url } = attachment;
  const facts = [attachment.size && size(attachment.size), t(STORED[state] ?? ''), scan === 'infected' && t('Held back: it carries a virus')];
  const inner = [icon('file'), h('span', { class: 'grow' }, h('bdi', { class: 'clip' }, name ?? attachment.media_type), h('small', {}, facts.filter(Boolean).join(' · ')))];
  return isHere(attachment) ? h('a', { class: 'file', href: url, download: name ?? '', target: '_blank' }, inner, icon('down')) : h('div', { class: 'file' }, inner);
}

const STORED = { pending: 'Still being fetched', failed: 'Could not be fetched' };

function isHere({ url, state, scan }) {
  return url && state === 'stored' && scan !== 'infected';
}

function textPart(part, entry, { mark }) {
  const trees = readText(part.text, part.format);
  return h('div', { class: 'words', dir: 'auto' }, mark(trees.map(grow)),
    part.quoted && folded('Show what was quoted', h('div', { class: 'quoted' }, part.quoted)),
    part.signature && folded('Show the signature', h('div', { class: 'quoted' }, part.signature)));
}

function picture(part, kind, open) {
  const { attachment, alt } = part;
  if (!isHere(attachment)) return fileCard(attachment);
  const { width, height, name } = attachment;
  const image = h('img', { src: attachment.url, alt: alt ?? name ?? t('Picture'), loading: 'lazy', width, height });
  image.addEventListener('error', () => image.closest('.picture, .sticker')?.replaceWith(fileCard(attachment)));
  return open ? h('button', { type: 'button', class: kind, onclick: open, 'aria-label': t('Open the picture {name}', { name: alt ?? name ?? '' }) }, image) : h('div', { class: kind }, image);
}

/** @param {'audio' | 'video'} kind @param {any} attachment @returns {any} */
export function player(kind, attachment) {
  if (!isHere(attachment)) return fileCard(attachment);
  return h(kind, { class: 'player', controls: true, preload: 'metadata', src: attachment.url, 'aria-label': attachment.name ?? t(kind === 'audio' ? 'Recording' : 'Video') });
}

function locationPart({ latitude, longitude, name, address }) {
  const place = `${latitude},${longitude}`;
  const href = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return h('a', { class: 'file', href, target: '_blank', rel: 'noopener noreferrer' }, icon('pin'),
    h('span', { class: 'grow' }, h('bdi', {}, name ?? t('A place')), h('small', {}, address ?? place)));
}

function choicesPart({ text, options }) {
  return h('div', { class: 'offered' }, text && h('p', { dir: 'auto' }, text),
    h('ul', { class: 'row wrap', 'aria-label': t('Offered answers') }, options.map((option) => h('li', { class: 'choice' }, h('bdi', {}, option.title)))));
}

function formReply({ values }) {
  return h('dl', { class: 'answers' }, values.map(({ label, name, value }) => [h('dt', {}, label ?? name), h('dd', { dir: 'auto' }, String(value))]));
}

function linkPart({ url, title, description }) {
  const safe = /^https?:\/\//i.test(url);
  const inner = [icon('link'), h('span', { class: 'grow' }, h('bdi', { class: 'clip' }, title ?? url), h('small', { class: 'clip' }, description ?? url))];
  return safe ? h('a', { class: 'file', href: url, title: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, inner) : h('div', { class: 'file' }, inner);
}

function card(name, title, more) {
  return h('div', { class: 'file' }, icon(name), h('span', { class: 'grow' }, h('bdi', {}, title), more && h('small', { dir: 'auto' }, more)));
}

function unknownPart(part, entry) {
  return card('help', part.fallback ?? entry.text, t('This kind cannot be shown here: {type}', part));
}
