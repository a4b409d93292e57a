/** The page in the frame. */
import { Chat } from './chat.js';
import { button, buildForm, createLog, h, icon, iconButton, link, loadWords, root, showTime, t } from './draw.js';

const app = document.querySelector('main');
const chat = new Chat(new URLSearchParams(location.search).get('channel'));
const framed = window.parent != window;
let port, options, config, log, composer, drawn;

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
  },
  close() {
    chat.open = false;
    tell('close');
  },
  page: setPage,
  identify: (who) => who && chat.identify(readIdentity(who)).catch(({ message }) => tell('problem', message)),
  logout: () => chat.logout().then(() => show(home)),
};

function setPage(page) {
  const { url, title, referrer } = page ?? {};
  chat.page = url && { url: url.slice(0, 2000), title: title.slice(0, 300), referrer: referrer.slice(0, 2000) };
}

const readIdentity = ({ jwt, user_id, hash, name, email, ...more }) => (jwt ? { identity: { jwt } }
  : user_id ? { identity: { user_id, hash, name, email } } : { profile: { name, email, ...more } });

if (framed) {
  addEventListener('message', async ({ source, data, ports }) => {
    if (source != window.parent || !ports[0] || port) return;
    [port] = ports;
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
  chat.identity = readIdentity(hello.identity ?? {}).identity;
  const path = `/config?channel=${chat.channel}&locale=${options.locale || options.lang || navigator.language}`;
  config = await chat.load(path).catch(() => chat.get('config'));
  if (!config) {
    app.replaceChildren(iconButton('close', 'Close', () => tell('shut')));
    return setTimeout(begin, 9000, hello);
  }
  chat.set('config', config);
  chat.locale = config.locale;
  await loadWords(config.locale);
  dress();
  build();
  if (hello.open) orders.open(hello.page);
  else if (chat.headers) chat.start();
}

function dress() {
  const { theme } = config;
  const accent = /^#[\da-f]{6}$/i.test(options.color) ? options.color : theme.color;
  root.style.setProperty('--accent', accent);
  root.dataset.mode = options.mode || theme.mode;
  config.look = `--c:${accent};--s:${(options.position || theme.position) == 'left' ? '20px auto' : 'auto 20px'}`;
}

function tellState() {
  const unread = chat.open && !document.hidden ? 0 : chat.conversation?.unread;
  tell('state', { look: config.look, label: `${t('chat')} – ${config.name}`, unread, talking: !!chat.conversation });
}

const title = h('h1', { tabIndex: -1 });
const line = h('p.line', { role: 'status' });
const home = h('section.home');
const talk = h('section.talk');
const notes = h('div.notes');
const menu = h('div.menu', { popover: 'auto' });

function build() {
  log = createLog(chat);
  composer = createComposer();
  talk.append(notes, log.element, composer);
  app.replaceChildren(h('header', null, iconButton('back', t('home'), () => show(home)), title,
    iconButton('more', t('menu'), null, { popoverTargetElement: menu }), framed && iconButton('close', t('close'), () => tell('shut'))), menu, line, home, talk);
  fillMenu();
  chat.on('conversation entries', update);
  chat.on('line', (up) => { line.textContent = up ? '' : t(navigator.onLine ? 'connecting' : 'offline'); });
  chat.on('arrived', () => {
    tell('message');
    if (chat.get('sound')) chime();
  });
  chat.on('over', ({ message }) => notes.replaceChildren(h('div.card', { role: 'alert' }, h('p', null, message || t('over')), button('main', () => {
    fillNotes();
    chat.start();
  }, t('start')))));
  document.addEventListener('visibilitychange', tellState);
  addEventListener('keydown', ({ key }) => key == 'Escape' && !document.querySelector(':popover-open,[open]') && tell('shut'));
  document.title = config.name;
  show(chat.queue.length || chat.get('talked') ? talk : home);
}

function show(next) {
  home.hidden = next != home;
  talk.hidden = next == home;
  app.className = next.className;
  drawn = null;
  update();
  log.toEnd();
}

const focus = () => (talk.hidden || matchMedia('(pointer:coarse)').matches ? title : composer.input).focus();

function update() {
  const { conversation, visitor, timeline } = chat;
  const { state, message, opens_at: opens } = config.hours;
  chat.set('talked', !!conversation);
  title.textContent = (!talk.hidden && conversation?.assignee?.name) || config.name;
  tellState();
  const now = JSON.stringify([visitor, !timeline.length]);
  if (now == drawn) return;
  drawn = now;
  const away = state == 'away' && [message || t('away'), ' ', opens && t('opens', { time: showTime(opens, { weekday: 'long', hour: 'numeric', minute: 'numeric' }) })];
  fillNotes(away);
  fillHome(away);
}

function fillHome(away) {
  const { articles } = config.home;
  home.replaceChildren(h('div.hero', null, h('p', null, config.greeting || t('greeting')), away && h('p', null, away)), button('start', () => {
    show(talk);
    focus();
  }, t(chat.timeline.length ? 'go_on' : 'start'), icon('send')), articles.length
    ? h('nav', { ariaLabel: t('articles') }, h('h2', null, t('articles')), h('ul', null, articles.map((one) => h('li', null, link(one.url, one.title))))) : '');
}

const askMail = (required) => [{ name: 'email', kind: 'email', label: t('email'), required }];

function fillNotes(away) {
  const asks = config.pre_chat && !chat.timeline.length && !chat.get('asked');
  const mail = config.hours.collect_email && !chat.visitor?.email;
  const cards = [away && [h('p', null, away), mail && buildForm({ fields: askMail(true), submit: t('save') }, async (values, given) => {
    await chat.start();
    await chat.post('/email', given);
    chat.visitor = { ...chat.visitor, ...given };
    update();
  })], asks && buildForm(config.pre_chat, (values) => {
    chat.set('asked', true);
    chat.send({ parts: [{ type: 'form_reply', form_id: 'pre_chat', values }] });
    focus();
  }, chat.visitor)];
  notes.replaceChildren(...cards.filter(Boolean).map((one) => h('div.card', null, one)));
  composer.hidden = !!asks;
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
  menu.append(sound, config.push.public_key ? item('notify', () => open(`notify?channel=${chat.channel}`, '', 'popup,width=420,height=480')) : '',
    item('transcript', () => ask('transcript', askMail(true), (values, given) => chat.post('/transcript', given))),
    item('resume', () => ask('resume', askMail(), async (values, given) => {
      const { url } = await chat.post('/resume-link', given);
      return url && link(url, url);
    })),
    item('end', () => ask('end', [], () => chat.post('/end'))));
}

function ask(key, fields, work) {
  const form = buildForm({ title: t(key), fields, submit: t('ok') }, async (...given) => {
    const shown = await work(...given);
    form.replaceWith(h('p', { role: 'status' }, shown instanceof Node ? shown : t('done')));
  }, chat.visitor);
  const dialog = h('dialog', { ariaLabel: t(key), onclose: () => dialog.remove() }, iconButton('close', t('close'), () => dialog.close()), form);
  app.append(dialog);
  dialog.showModal();
}

function createComposer() {
  const { enabled, media_types: types, max_bytes: most } = config.files;
  const strip = h('ul.files');
  const input = h('textarea', { rows: 1, dir: 'auto', placeholder: t('write'), ariaLabel: t('write'), value: chat.get('draft') ?? '' });
  const pick = h('input', { type: 'file', multiple: true, hidden: true, accept: types.map((one) => one.replace(/\/$/, '/*')).join() });
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
      if (file.size > most) throw new Error(t('too_big'));
      await chat.start();
      const attachment = await chat.upload(file, (part) => { bar.value = part; });
      row.stored = { type: 'file', attachment };
      bar.remove();
    } catch ({ message, detail }) {
      bar.replaceWith(h('small.failed', { role: 'alert' }, detail || message || t('failed')));
    }
  };
  const send = () => {
    const text = input.value.trim();
    const files = [...strip.children].flatMap(({ stored }) => stored ?? []);
    if (!(text || files[0]) || strip.querySelector('progress')) return;
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
  const onsubmit = (event) => send(event.preventDefault());
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
