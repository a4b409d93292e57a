/** The customer's phone: the texts with one number of the shop, and a line to write. */
import { h, icon, iconButton, mount } from '../console/dom.js';
import { showClock } from './times.js';
import { ask } from './ask.js';

const PICTURES = 'image/png,image/jpeg,image/gif,image/webp';
const LARGEST_BYTES = 5_000_000;

/**
 * @param {object} parts
 * @param {any} parts.scenery
 * @param {() => void} parts.onsent
 * @param {(texts: any[]) => void} parts.onread told of each look at the screen
 * @param {(number: string) => void} parts.onnumber the phone has another number now
 */
export function makePhone({ scenery, onsent, onread, onnumber }) {
  let number = scenery.phone;
  let line = scenery.numbers[scenery.numbers.length - 1];
  let texts = [];
  const log = h('div', { class: 'texts', role: 'log', 'aria-label': 'Texts', tabIndex: 0 });
  const name = h('span', { class: 'strong' }, 'Nook & Co.');
  const lines = h('select', { 'aria-label': 'Number of the shop', onchange: () => pick(lines.value) },
    scenery.numbers.map((one) => h('option', { value: one.number, selected: one === line }, `${one.number} · ${one.name}`)));
  const own = h('input', { type: 'tel', value: number, 'aria-label': 'Number of this phone', spellcheck: false, onchange: () => change(own.value) });
  const write = makeLine(send);
  const screen = h('div', { class: 'screen' }, makeHead(name, lines), log, write.element);
  const panel = h('section', { class: 'pane phone-pane' },
    h('div', { class: 'device' }, makeStatus(), screen),
    h('label', { class: 'own quiet small' }, 'This phone’s number', own));

  async function send(text, picture) {
    texts = (await ask(`/sim/api/phones/${encodeURIComponent(number)}/texts`, { to: line.number, text, picture })).data;
    draw();
    onsent();
  }

  async function read() {
    texts = (await ask(`/sim/api/phones/${encodeURIComponent(number)}/texts`)).data;
    draw();
    onread(texts);
  }

  function draw() {
    const shown = texts.filter((text) => text.peer === line.number);
    mount(log, shown.length ? shown.map(makeText) : makeEmpty());
    log.scrollTop = log.scrollHeight;
  }

  function pick(chosen) {
    line = scenery.numbers.find((one) => one.number === chosen) ?? line;
    draw();
  }

  function change(written) {
    const digits = `+${written.replace(/\D/g, '')}`;
    const fits = /^\+[1-9]\d{6,14}$/.test(digits);
    own.setAttribute('aria-invalid', String(!fits));
    if (!fits || digits === number) return;
    number = digits;
    own.value = digits;
    onnumber(digits);
    read();
  }

  draw();
  return { panel, read, number: () => number, focus: () => write.focus() };
}

function makeHead(name, lines) {
  const avatar = h('span', { class: 'avatar shop-avatar', 'aria-hidden': 'true' }, 'N');
  return h('header', { class: 'phone-head' }, avatar, h('div', { class: 'grow column-tight' }, name, lines));
}

function makeStatus() {
  const now = new Date().toISOString();
  return h('div', { class: 'status-bar', 'aria-hidden': 'true' }, h('span', null, showClock(now)), h('span', { class: 'island' }), h('span', { class: 'bars' }));
}

function makeEmpty() {
  return h('div', { class: 'empty small-empty' }, icon('sms'), h('h2', null, 'Text the shop'), h('p', null, 'Say hello, ask about an order, send a picture.'));
}

function makeText(text) {
  const side = text.author === 'handset' ? 'mine' : 'theirs';
  const pictures = text.pictures.map((src) => h('img', { src, alt: 'Picture', loading: 'lazy' }));
  const when = h('time', { dateTime: new Date(text.at * 1000).toISOString() }, showClock(new Date(text.at * 1000).toISOString()));
  const who = h('span', { class: 'hush' }, side === 'mine' ? 'You: ' : 'The shop: ');
  return h('div', { class: `text ${side}`, dir: 'auto' }, who, pictures, text.text, when);
}

/** The line to write in: Enter sends, a picture may go along. */
function makeLine(send) {
  const words = h('textarea', { rows: 1, placeholder: 'Text message', 'aria-label': 'Text message', dir: 'auto', onkeydown: hear, oninput: grow });
  const file = h('input', { type: 'file', accept: PICTURES, hidden: true, onchange: () => sendPicture(file, deliver) });
  const trouble = h('p', { class: 'trouble', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'round primary', 'aria-label': 'Send' }, icon('send'));
  const picture = iconButton('image', 'Send a picture', () => file.click());
  const element = h('form', { class: 'write', onsubmit: submit }, trouble, h('div', { class: 'row' }, picture, words, button), file);

  function hear(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
  }

  function grow() {
    words.style.setProperty('height', 'auto');
    words.style.setProperty('height', `${Math.min(words.scrollHeight, 120)}px`);
  }

  async function submit(event) {
    event.preventDefault();
    const text = words.value.trim();
    if (!text) return;
    words.value = '';
    grow();
    if (!(await deliver(text))) words.value = text;
  }

  async function deliver(text, chosen) {
    trouble.textContent = '';
    return send(text, chosen).then(() => true, (error) => {
      trouble.textContent = error.message;
      return false;
    });
  }

  return { element, focus: () => words.focus() };
}

async function sendPicture(input, deliver) {
  const file = input.files[0];
  input.value = '';
  if (!file || file.size > LARGEST_BYTES) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  let packed = '';
  for (let at = 0; at < bytes.length; at += 8192) packed += String.fromCharCode(...bytes.subarray(at, at + 8192));
  await deliver('', { content_type: file.type, content: btoa(packed) });
}
