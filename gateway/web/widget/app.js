/** The page in the frame. */
import { Chat } from './chat.js';
import { pause } from './door.js';
import { button, buildForm, createLog, explain, h, icon, iconButton, link, loadWords, root, showTime, t } from './draw.js';

const AGAIN_MS = 9000;
const STALE_MS = 300_000;

/** @type {any} */
const app = document.querySelector('main');
const chat = new Chat(new URLSearchParams(location.search).get('channel'));
const framed = window.parent != window;
/** @type {MessagePort | undefined} */
let port;
/** @type {any} */
let config;
/** @type {any[]} */
let talks = [];
/** @type {string | undefined} */
let drawn;
/** @type {any} */
let options, log, composer;
let asked = 0;

window.subscribePush = (given) => chat.post('/push-subscription', given);

// The site learns how many messages there are, not what they say.
const tell = (...event) => port?.postMessage(event);

const orders = {
  open(page) {
    setPage(page);
    chat.open = true;
    chat.start();
    tell('open');
    tellState();
    log.look();
    focus();
    if (Date.now() - asked > STALE_MS) configure().then(() => redraw());
  },
  close() {
    chat.open = false;
    tell('close');
  },
  page: setPage,
  identify: (who) => who && chat.identify(readIdentity(who)).catch((problem) => tell('problem', problem.message)),
  logout: () => chat.logout().then(() => show(home)),
};

function setPage(page) {
  const { url, title, referrer } = page ?? {};
  chat.page = url && { url: url.slice(0, 2000), title: title.slice(0, 300), referrer: referrer.slice(0, 2000) };
}

/** @param {any} who @returns {{identity?: any, profile?: any}} */
const readIdentity = ({ jwt, user_id, hash, name, email, ...more }) => (jwt ? { identity: { jwt } }
  : user_id ? { identity: { user_id, hash, name, email } } : { profile: { name, email, ...more } });

if (framed) {
  addEventListener('message', async ({ source, data, ports: [given] }) => {
    if (source != window.parent || !given || port) return;
    port = given;
    await begin(data);
    port.onmessage = ({ data: [name, detail] }) => orders[name]?.(detail);
  });
} else begin({ open: true });

async function begin(hello) {
  options = hello;
  setPage(hello.page);
  chat.resume = location.hash.split('#resume=')[1];
  history.replaceState(null, '', `?channel=${chat.channel}`);
  if (hello.identity === null) await chat.logout();
  Object.assign(chat, hello.identity && readIdentity(hello.identity));
  while (await configure(), !config) {
    await loadWords(navigator.language);
    app.replaceChildren(h('p.line', { role: 'status' }, t('connecting')), iconButton('close', t('close') ?? 'Close', () => tell('shut')));
    await pause(AGAIN_MS);
  }
  chat.locale = config.locale;
  await loadWords(config.locale);
  build();
  if (hello.open) orders.open(hello.page);
  else if (chat.headers) chat.start();
}

// Whether somebody is there changes while a page is open.
async function configure() {
  asked = Date.now();
  const path = `/config?channel=${chat.channel}&locale=${options.locale || options.lang || navigator.language}`;
  config = await chat.load(path).catch(() => config ?? chat.get('config'));
  if (!config) return;
  chat.set('config', config);
  const { theme } = config;
  const accent = /^#[\da-f]{6}$/i.test(options.color) ? options.color : theme.color;
  root.style.setProperty('--accent', accent);
  root.dataset.mode = options.mode || theme.mode;
  config.look = `--c:${accent};--s:${(options.position || theme.position) == 'left' ? '20px auto' : 'auto 20px'}`;
}

function tellState() {
  const unread = chat.open && !document.hidden ? 0 : chat.conversation?.unread;
  const label = `${t('chat')} – ${config.name}${unread ? `, ${t('unread', { unread })}` : ''}`;
  tell('state', { look: config.look, label, unread, talking: !!chat.conversation });
}

const title = h('h1', { tabIndex: -1 });
const line = h('p.line', { role: 'status' });
const home = h('section.home');
const talk = h('section.talk');
const notes = h('div.notes');
const menu = h('div.menu', { popover: 'auto' });
const next = button('quiet', enter);

// On with what is open; what is closed stays so.
const isOpen = () => chat.conversation?.status == 'open' || !!chat.queue.length;

function enter() {
  chat.look(null, !!chat.conversation && !isOpen());
  show(talk);
  focus();
}

function build() {
  log = createLog(chat);
  composer = createComposer();
  talk.append(notes, log.element, next, composer);
  app.replaceChildren(h('header', null, iconButton('back', t('home'), () => show(home)), title,
    iconButton('more', t('menu'), null, { popoverTargetElement: menu }), framed && iconButton('close', t('close'), () => tell('shut'))), menu, line, home, talk);
  fillMenu();
  chat.on('conversation entries', update);
  chat.on('line', (up) => { line.textContent = up ? '' : t(navigator.onLine ? 'connecting' : 'offline'); });
  chat.on('arrived', () => {
    tell('message');
    if (chat.get('sound')) chime();
  });
  chat.on('unproven', () => config.verification != 'off' && tell('problem', 'The identity was not proven.'));
  chat.on('over', ({ code }) => {
    show(talk);
    composer.hidden = true;
    notes.replaceChildren(h('div.card', { role: 'alert' }, h('p', null, t(code) ?? t('over')), button('main', () => {
      fillNotes();
      chat.start();
    }, t('start'))));
  });
  document.addEventListener('visibilitychange', tellState);
  addEventListener('keydown', ({ key }) => key == 'Escape' && !document.querySelector(':popover-open,[open]') && tell('shut'));
  document.title = config.name;
  show(chat.queue.length || chat.get('talked') ? talk : home);
}

async function show(section) {
  home.hidden = section != home;
  talk.hidden = section == home;
  app.className = section.className;
  redraw();
  log.toEnd();
  if (home.hidden || !chat.headers) return;
  talks = (await chat.load('/conversations?limit=20').catch(() => null))?.data ?? [];
  redraw();
}

function redraw() {
  drawn = undefined;
  update();
}

const focus = () => (talk.hidden || matchMedia('(pointer:coarse)').matches ? title : composer.input).focus();

function update() {
  const { conversation, past, visitor, timeline } = chat;
  const { state, message, opens_at: opens } = config.hours;
  chat.set('talked', !!conversation);
  title.textContent = (!talk.hidden && chat.view.conversation?.assignee?.name) || config.name;
  tellState();
  next.hidden = past ? past.anew : !conversation || isOpen();
  const unread = past && chat.conversation?.unread;
  next.textContent = [t(isOpen() ? 'go_on' : 'new'), unread && t('unread', { unread })].filter(Boolean).join(' · ');
  const now = JSON.stringify([visitor, !timeline.length, next.textContent, past?.conversation]);
  if (now == drawn) return;
  drawn = now;
  const away = state == 'away' && [message || t('away'), ' ', opens && t('opens', { time: showTime(opens, { weekday: 'long', hour: 'numeric', minute: 'numeric' }) })];
  fillNotes(away);
  fillHome(away);
}

function fillHome(away) {
  const list = (key, rows) => (rows[0] ? h('nav', { ariaLabel: t(key) }, h('h2', null, t(key)), h('ul', null, rows.map((row) => h('li', null, row)))) : '');
  home.replaceChildren(h('div.hero', null, h('p', null, config.greeting || t('greeting')), away && h('p', null, away)),
    button('start', enter, t(isOpen() ? 'go_on' : 'start'), icon('send')),
    list('talks', talks.filter(({ id }) => id != chat.conversation?.id || !isOpen()).map(drawTalk)),
    list('articles', config.home.articles.map((one) => link(one.url, one.title))));
}

function drawTalk(one) {
  const { last_message: last, unread } = one;
  return button('talked', () => {
    chat.look(one.id == chat.conversation?.id ? null : one);
    show(talk);
    title.focus();
  }, h('bdi', null, last?.text || t('file')), last && h('small', null, showTime(last.occurred_at, { day: 'numeric', month: 'short' })),
  unread && h('small.unread', null, t('unread', { unread })));
}

const askMail = (required) => [{ name: 'email', kind: 'email', label: t('email'), required }];

function fillNotes(away) {
  const asks = config.pre_chat && !chat.conversation && !chat.timeline.length && !chat.get('asked');
  const mail = config.hours.collect_email && !chat.visitor?.email;
  const cards = [away && [h('p', null, away), mail && buildForm({ fields: askMail(true), submit: t('save') }, async (values, given) => {
    await chat.start();
    await chat.post('/email', given);
    chat.visitor = Object.assign({}, chat.visitor, given);
    update();
  })], asks && buildForm(config.pre_chat, (values) => {
    chat.set('asked', true);
    chat.send({ parts: [{ type: 'form_reply', form_id: 'pre_chat', values }] });
    focus();
  }, chat.visitor)];
  notes.replaceChildren(...cards.filter(Boolean).map((one) => h('div.card', null, one)));
  composer.hidden = !!asks || !!chat.past?.conversation;
}

function fillMenu() {
  const item = (key, work) => button('', () => {
    menu.hidePopover();
    work();
  }, t(key));
  const sound = item('sound', () => {
    chat.set('sound', !chat.get('sound'));
    sound.ariaPressed = chat.get('sound');
    if (chat.get('sound')) chime();
  });
  sound.ariaPressed = !!chat.get('sound');
  const transcript = item('transcript', () => {
    const { email } = chat.visitor ?? {};
    ask('transcript', email ? [] : askMail(true), (given) => chat.post('/transcript', given), email ?? '');
  });
  const resume = item('resume', () => ask('resume', config.mail?.enabled ? askMail(false) : [], async (given) => {
    const { url } = await chat.post('/resume-link', given);
    return url && link(url, url);
  }));
  const end = item('end', () => ask('end', [], () => chat.post('/end')));
  menu.append(sound, config.push.public_key ? item('notify', () => open(`notify?channel=${chat.channel}`, '', 'popup,width=420,height=480')) : '',
    transcript, resume, end);
  menu.onbeforetoggle = () => {
    const { conversation, visitor } = chat;
    transcript.hidden = !conversation || !config.mail?.transcripts;
    resume.hidden = !visitor || visitor.verified; // whoever has proven who they are logs in there
    end.hidden = conversation?.status != 'open';
  };
}

function ask(key, fields, work, words = '') {
  const form = buildForm({ title: t(key), fields, submit: t('ok') }, async (values, given) => {
    const shown = await work(given);
    form.replaceWith(h('p', { role: 'status' }, shown instanceof Node ? shown : t('done')));
  }, chat.visitor);
  const dialog = h('dialog', { ariaLabel: t(key), onclose: () => dialog.remove() }, iconButton('close', t('close'), () => dialog.close()), form);
  if (words) form.children[0].after(h('p', null, h('bdi', null, words)));
  app.append(dialog);
  dialog.showModal();
}

function createComposer() {
  const { enabled, media_types: types, max_bytes: most } = config.files;
  const strip = h('ul.files');
  const input = h('textarea', { rows: 1, dir: 'auto', placeholder: t('write'), ariaLabel: t('write'), value: chat.get('draft') ?? '' });
  const pick = h('input', { type: 'file', multiple: true, hidden: true,
    accept: types.some((one) => one.endsWith('.')) ? '' : types.map((one) => one.replace(/\/$/, '/*')).join() }); // a part of a name accepts nothing
  const write = () => {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
    chat.set('draft', input.value);
  };
  const add = async (file) => {
    const bar = h('progress', { ariaLabel: file.name, value: 0 });
    const row = h('li', null, h('bdi', null, file.name), bar, iconButton('close', t('remove'), () => row.remove()));
    strip.append(row);
    try {
      if (file.size > most) throw { code: 'attachment_too_large' };
      await chat.start();
      const attachment = await chat.upload(file, (part) => { bar.value = part; });
      row.stored = { type: 'file', attachment };
      bar.remove();
      if (due) send();
    } catch (problem) {
      due = false;
      bar.replaceWith(h('small.failed', { role: 'alert' }, explain(/** @type {any} */ (problem))));
    }
  };
  let due = false; // sent as soon as its files are there
  const send = () => {
    const text = input.value.trim();
    const files = [...strip.children].flatMap(({ stored }) => stored ?? []);
    due = !!strip.querySelector('progress');
    if (!(text || files[0]) || due) return;
    chat.send({ text: text || undefined, attachment_ids: files.map(({ attachment }) => attachment.id), files });
    input.value = '';
    strip.replaceChildren();
    write();
    input.focus();
  };
  input.oninput = () => {
    write();
    chat.typing(true);
  };
  input.onkeydown = (event) => {
    if (event.key != 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  pick.onchange = () => {
    [...pick.files].forEach(add);
    pick.value = '';
  };
  app.ondragover = (event) => event.preventDefault();
  app.ondrop = app.onpaste = (event) => {
    const { files } = event.dataTransfer ?? event.clipboardData;
    if (!files[0] || !enabled) return;
    event.preventDefault();
    [...files].forEach(add);
  };
  const onsubmit = (event) => {
    event.preventDefault();
    send();
  };
  return h('form.composer', { onsubmit, input }, strip, enabled && iconButton('clip', t('attach'), () => pick.click()), pick, input,
    iconButton('send', t('send'), null, { type: 'submit' }));
}

function chime() {
  const context = new AudioContext();
  const note = new OscillatorNode(context, { frequency: 660 });
  note.connect(new GainNode(context, { gain: 0.06 })).connect(context.destination);
  note.start();
  note.stop(0.15);
}
