/** The customer's mail program: the box, one mail, and a sheet to write on. */
import { h, icon, iconButton, mount } from '../console/dom.js';
import { ask } from './ask.js';
import { showMoment, showWhole } from './times.js';

const LOOK_MS = 500;
const LOOKS = 20;

/**
 * @param {object} parts
 * @param {any} parts.scenery
 * @param {() => void} parts.onsent
 * @param {(mails: any[]) => void} parts.onread told of each look into the box
 */
export function makeMail({ scenery, onsent, onread }) {
  const address = scenery.user.email;
  const path = `/sim/api/mailboxes/${encodeURIComponent(address)}/mails`;
  let mails = [];
  let unseen = new Set();
  let sheet = null;
  const title = h('h3', null, 'Mail');
  const body = h('div', { class: 'mail-body' });
  const tools = h('div', { class: 'row' });
  const window_ = h('div', { class: 'mail-window' }, h('header', { class: 'mail-head' }, tools, h('div', { class: 'grow' }, title, h('p', { class: 'faint small clip' }, address))), body);
  const panel = h('section', { class: 'pane' }, window_);

  async function send(draft) {
    mails = (await ask(path, draft)).data;
    showBox();
    onsent();
    watch();
  }

  /** Look again until the shop's mail server has taken what was sent. */
  function watch(left = LOOKS) {
    if (!left || !mails.some((mail) => !mail.taken)) return;
    setTimeout(() => read().then(() => watch(left - 1)), LOOK_MS);
  }

  async function read() {
    const before = new Set(mails.map((mail) => mail.id));
    const first = !mails.length;
    mails = (await ask(path)).data;
    if (!first) mails.filter((mail) => mail.direction === 'in' && !before.has(mail.id)).forEach((mail) => unseen.add(mail.id));
    if (sheet === null) showBox();
    onread(mails);
  }

  function frame(heading, toolbar, content) {
    title.textContent = heading;
    mount(tools, toolbar);
    mount(body, content);
  }

  function showBox() {
    sheet = null;
    const compose = h('button', { type: 'button', class: 'primary', onclick: () => showSheet(null) }, icon('edit'), 'Write');
    frame('Mail', compose, mails.length ? h('ul', { class: 'mails' }, mails.map((mail) => makeRow(mail, unseen.has(mail.id), () => showMail(mail)))) : makeEmpty());
  }

  function showMail(mail) {
    unseen.delete(mail.id);
    sheet = mail.id;
    const back = iconButton('back', 'Back to all mails', showBox);
    frame(mail.subject || '(no subject)', back, makeReading(mail, address, () => showSheet(mail)));
  }

  function showSheet(answered) {
    sheet = 'new';
    const back = iconButton('back', 'Back without sending', () => (answered ? showMail(answered) : showBox()));
    const form = makeSheet(scenery.mail, answered, send);
    frame(answered ? 'Answer' : 'New mail', back, form);
    form.querySelector(answered ? 'textarea' : 'input').focus();
  }

  showBox();
  return { panel, read };
}

function makeEmpty() {
  return h('div', { class: 'empty small-empty' }, icon('email'), h('h3', null, 'No mail yet'), h('p', null, 'Write to the shop: its answers come here, quote and all.'));
}

function makeRow(mail, isNew, open) {
  const who = mail.direction === 'in' ? 'Demo shop' : 'You';
  const state = mail.direction === 'out' ? h('span', { class: 'chip' }, mail.taken ? 'Sent' : 'Sending') : isNew ? h('span', { class: 'chip accent' }, 'New') : null;
  const at = new Date(mail.at * 1000).toISOString();
  return h('li', null, h('button', { type: 'button', class: isNew ? 'mail new' : 'mail', onclick: open },
    h('span', { class: 'avatar', 'aria-hidden': 'true', style: { '--hue': mail.direction === 'in' ? 165 : 250 } }, who[0]),
    h('span', { class: 'mail-words' },
      h('span', { class: 'row' }, h('span', { class: 'strong grow clip' }, who), state, h('time', { class: 'faint small', dateTime: at }, showMoment(at))),
      h('span', { class: 'clip', dir: 'auto' }, mail.subject || '(no subject)'),
      h('span', { class: 'clip faint small', dir: 'auto' }, mail.text))));
}

function makeReading(mail, address, answer) {
  const mine = mail.direction === 'out';
  const facts = h('dl', { class: 'mail-facts small' },
    h('dt', null, 'From'), h('dd', null, mine ? address : mail.peer), h('dt', null, 'To'), h('dd', null, mine ? mail.peer : address),
    h('dt', null, 'Date'), h('dd', null, showWhole(new Date(mail.at * 1000).toISOString())));
  const reply = mine ? null : h('button', { type: 'button', class: 'primary', onclick: answer }, icon('reply'), 'Answer');
  return h('article', { class: 'reading' }, facts, h('div', { class: 'mail-text', dir: 'auto', tabIndex: 0 }, mail.text), reply);
}

function makeSheet(shop, answered, send) {
  const subject = answered ? null : h('input', { name: 'subject', required: true, maxLength: 200, dir: 'auto' });
  const text = h('textarea', { name: 'text', required: true, rows: 9, dir: 'auto' });
  const trouble = h('p', { class: 'trouble', role: 'alert' });
  const submit = async (event) => {
    event.preventDefault();
    trouble.textContent = '';
    const draft = { text: text.value, subject: subject?.value ?? '', answering: answered?.id ?? null };
    await send(draft).catch((error) => (trouble.textContent = error.message));
  };
  return h('form', { class: 'sheet', onsubmit: submit },
    h('p', { class: 'small quiet' }, 'To ', h('span', { class: 'strong' }, answered ? answered.peer : shop)),
    subject ? h('label', { class: 'field' }, h('span', { class: 'label' }, 'Subject'), subject) : null,
    h('label', { class: 'field grow' }, h('span', { class: 'label' }, answered ? `Re: ${answered.subject}` : 'Your words'), text),
    trouble, h('div', { class: 'row' }, h('button', { type: 'submit', class: 'primary' }, icon('send'), 'Send')));
}
