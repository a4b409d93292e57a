/**
 * Elements by calls, never from markup: text stays text.
 *
 * @typedef {import('./chat.js').Entry} Entry
 * @typedef {import('./chat.js').Chat} Chat
 * @typedef {import('./chat.js').Schemas} Schemas
 * @typedef {{name: string, label?: string, kind?: string, required?: boolean, options?: string[]}} Field
 */

export const root = document.documentElement;
const TOGETHER_MS = 300_000;
const NEAR_PX = 80;
const QUIET_MS = 500;
const FRAME_MS = 16;
const DAY_MS = 864e5;
const HOUR_MS = 36e5;
const FEW = 4;
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/; // SVG can hold script
const ICONS = {
  send: 'M4 12l16-8-6 16-3-6zM11 14l4-4',
  clip: 'M20 11l-8 8a5 5 0 0 1-7-7l8-8a3 3 0 0 1 5 5l-8 8',
  more: 'M5 12h0M12 12h0M19 12h0',
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M15 5l-7 7 7 7',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
};
/** @type {Record<string, Intl.DateTimeFormat>} */
const formats = {};
/** @type {Record<string, string>} */
let words = {};
let ids = 0;

/**
 * By tag and class ("p.sub"), with properties and children.
 *
 * @param {string} spec
 * @param {Record<string, any> | null} [props]
 * @param {...any} children nodes, words, lists of them; what is false is left out
 * @returns {any}
 */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split('.');
  const element = Object.assign(document.createElement(tag), { className: classes.join(' ') }, props);
  element.append(...children.flat(4).filter(Boolean));
  return element;
}

export function icon(name) {
  const [svg, path] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

export const button = (classes, onclick, ...children) => h(`button.${classes}`, { type: 'button', onclick }, ...children);

export const iconButton = (name, title, onclick, more) => Object.assign(button(`icon.${name}`, onclick, icon(name)), { title, ...more });

export async function loadWords(locale) {
  for (const name of [locale.slice(0, 2), 'en']) {
    const answer = await fetch(new URL(`locales/${name}.json`, import.meta.url)).catch(() => null);
    if (!answer?.ok) continue;
    words = await answer.json();
    root.lang = navigator.languages.find((one) => one.startsWith(name)) ?? name;
    root.dir = name == 'ar' ? 'rtl' : 'ltr';
    return;
  }
}

/** @param {any} key @param {Record<string, any>} [facts] */
export const t = (key, facts = {}) => words[key]?.replace(/\{(\w+)\}/, (all, name) => facts[name]);

// In the visitor's language as far as there are words for it.
export const explain = ({ code = '', message = '', detail = '' }) => t(code) ?? (detail || message || t('failed'));

/**
 * To make a formatter takes longer than all else here.
 *
 * @param {string | number | Date} at
 * @param {Intl.DateTimeFormatOptions} how
 */
export const showTime = (at, how) => (formats[Object.values(how).join()] ??= new Intl.DateTimeFormat(root.lang, how)).format(new Date(at));

function showDay(at) {
  const now = new Date();
  const days = Math.round((new Date(at).setHours(12) - new Date().setHours(12)) / DAY_MS);
  return days > -2 ? new Intl.RelativeTimeFormat(root.lang, { numeric: 'auto' }).format(days, 'day')
    : showTime(at, { weekday: 'long', day: 'numeric', month: 'long', ...(at.getFullYear() != now.getFullYear() && { year: 'numeric' }) });
}

const MARKS = new RegExp([
  /`+([^`]+)`+/,
  /\*\*(?=\S)((?:[^*]|\*(?!\*)){1,2000})\*\*/,
  /(?<![\w*])(?<mark>[*_])(?=\S)([^*_\n]{1,2000})\k<mark>(?![\w*])/,
  /\[([^\]\n]{1,300})\]\(([^\s()]{1,2000})\)/,
  /(?<!\w)((?:https?:\/\/|mailto:|tel:)[^\s<>"]{1,2000}[^\s<>".,:;!?)\]'*_])/,
].map((one) => one.source).join('|'), 'gu');

// A little Markdown as nodes. All else stays the text it is.
export function format(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(MARKS)) {
    const [all, code, bold, , italic, label, target, bare] = match;
    nodes.push(text.slice(end, match.index), code ? h('code', null, code) : bold ? h('b', null, format(bold))
      : italic ? h('em', null, format(italic)) : link(target ?? bare, label ?? bare) ?? all);
    end = match.index + all.length;
  }
  return [...nodes, text.slice(end)];
}

export const link = (href, ...children) => (/^(https?|mailto|tel):/i.test(href)
  ? h('a', { href, target: '_blank', rel: 'noreferrer nofollow' }, ...children) : null);

export function createLog(chat) {
  const list = h('div.rows', { role: 'log', ariaLive: 'polite', ariaLabel: t('messages'), tabIndex: 0 });
  const more = button('quiet', () => chat.loadMore(), t('earlier'));
  const typing = h('p.typing', { role: 'status' });
  const scroll = h('div.scroll', null, more, list, typing);
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  const down = button('down', toEnd, t('newer'));
  const near = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
  const look = () => {
    down.hidden = near();
    const last = chat.timeline.findLast((entry) => !isOwn(entry));
    if (last && scroll.clientHeight && near() && chat.open && !chat.past && !document.hidden) chat.see(last.seq);
  };
  const drawn = new Map();
  let quiet;

  /**
   * What has come is read out, unless the visitor wrote it, it was there before, or it is too much.
   *
   * @param {Entry[] | null} fresh
   */
  const draw = (fresh = []) => {
    const stuck = near();
    const above = scroll.scrollHeight - scroll.scrollTop;
    const older = (fresh?.[0]?.seq ?? Infinity) < list.children[1]?.seq;
    const last = list.lastChild;
    if (fresh) list.ariaLive = fresh[0] && fresh.length < FEW && !older && !fresh.some(isOwn) ? 'polite' : 'off';
    const rows = new Set(layOut(chat, drawn));
    for (const gone of [...list.children]) if (!rows.has(gone)) gone.remove();
    let at = list.firstChild;
    for (const row of rows) {
      if (row == at) at = at.nextSibling;
      else list.insertBefore(row, at);
    }
    clearTimeout(quiet);
    quiet = setTimeout(() => { list.ariaLive = 'polite'; }, QUIET_MS);
    more.hidden = !chat.view.more;
    if (older) scroll.scrollTop = scroll.scrollHeight - above;
    else if (stuck || (list.lastChild != last && list.lastChild?.matches('.mine'))) toEnd();
    look();
  };

  scroll.onscroll = () => {
    look();
    if (scroll.scrollTop < NEAR_PX && drawn.size) chat.loadMore();
  };
  document.addEventListener('visibilitychange', look);
  // What comes within a frame's time is drawn together: after an outage hundreds come at once.
  /** @type {Entry[] | null} */
  let waiting = null;
  /** @type {number | null} */
  let timer = null;
  /** @param {Entry[]} [fresh] */
  const drawSoon = (fresh) => {
    timer ??= setTimeout(() => {
      const come = waiting;
      waiting = timer = null;
      draw(come);
    }, FRAME_MS);
    if (fresh) (waiting ??= []).push(...fresh);
  };
  chat.on('entries', (fresh = []) => drawSoon(fresh));
  chat.on('conversation', () => drawSoon());
  chat.on('typing', (name) => {
    const said = name === null ? '' : t('types', { name: name || t('team') });
    if (typing.textContent == said) return;
    const stuck = near();
    typing.replaceChildren(said && h('i'), said);
    if (stuck) toEnd();
  });
  draw();
  return { element: h('div.log', null, scroll, down), toEnd, look };
}

/** @param {Chat} chat @param {Map<string, any>} drawn rows by what they show */
function layOut(chat, drawn) {
  /** @type {any[]} */
  const rows = [];
  const reuse = (key, make, ...facts) => {
    const sign = JSON.stringify(facts);
    if (drawn.get(key)?.sign != sign) drawn.set(key, Object.assign(make(), { sign }));
    rows.push(drawn.get(key));
    return rows.at(-1);
  };
  /** @type {any} */
  let before = {};
  for (const entry of chat.timeline) {
    if (entry.event?.name == 'csat_received') continue; // the question shows its answer
    const { parts, event, redacted_at: redacted, edited_at: edited, failed, author } = entry;
    const time = new Date(entry.occurred_at ?? entry.at);
    const day = time.toDateString();
    const shown = day != before.day && showDay(time);
    if (shown) reuse(day, () => h('div.day', null, shown), shown);
    const who = event ? {} : isOwn(entry) ? '' : author.type + author.name;
    const row = reuse(entry.id ?? entry.client_message_id, () => drawEntry(entry, chat), parts, event, redacted, failed, isAsking(entry, chat));
    const together = day == before.day && who == before.who && Number(time) - before.time < TOGETHER_MS;
    row.classList.toggle('together', together);
    before.row?.classList.toggle('followed', together);
    if (row.state) row.state.textContent = [showTime(time, { timeStyle: 'short' }), edited && t('edited'), isOwn(entry) && t(stateOf(entry))].filter(Boolean).join(' · ');
    before = { day, who, row, time };
  }
  before.row?.classList.remove('followed');
  return rows;
}

const isOwn = ({ direction }) => direction != 'outbound';

const stateOf = ({ id, state, failed, sent }) => (id ? state : failed ? 'failed' : sent ? 'sent' : 'sending');

function isAsking({ id, parts, event }, chat) {
  if (event?.name == 'csat_requested') return chat.view.conversation?.csat ?? {};
  return !chat.past && parts?.some(({ type }) => type == 'choices' || type == 'form') && !chat.timeline.some((one) => one.in_reply_to == id);
}

function drawEntry(entry, chat) {
  const { event, author, client_message_id: id, failed, seq } = entry;
  if (event) return drawEvent(entry, chat);
  const said = entry.redacted_at ? h('em', null, t('redacted')) : (entry.parts ?? [entry, ...(entry.files ?? [])]).map((part) => (DRAWN[part.type] ?? say)(part, entry, chat));
  const state = h('small.state');
  return Object.assign(h(isOwn(entry) ? 'div.mine' : 'div.theirs', { state, seq },
    isOwn(entry) ? h('span.unseen', null, t('you')) : h('b.name', null, h('bdi', null, author.name || t('team')), author.type == 'bot' && h('small', null, t('bot'))),
    h('div.bubble', { dir: 'auto' }, said),
    failed && h('p.failed', { role: 'alert' }, explain(failed), button('quiet', () => chat.change(id, { failed: null }), t('retry')), button('quiet', () => chat.change(id), t('discard'))),
    state));
}

function drawEvent({ id, event: { name, by, facts } }, chat) {
  if (name != 'csat_requested') return h('div.event', null, t(name, { name: by?.name, ...facts }));
  const { csat } = chat.view.conversation ?? {};
  const rated = csat?.entry_id == id && csat.rating;
  const fields = [{ name: 'rating', kind: 'rating', required: true }, { name: 'comment', label: t('comment'), kind: 'textarea' }];
  const form = buildForm({ title: t('rate'), fields }, (values, given) => chat.rate(id, Number(given.rating), given.comment), { rating: rated });
  if (!rated) return h('div.card', null, form);
  const changeable = Date.now() < Date.parse(csat.rated_at) + chat.get('config').csat.change_hours * HOUR_MS;
  const change = () => {
    card.replaceChildren(form);
    card.className = 'card';
    card.scrollIntoView({ block: 'nearest' });
    form.elements.rating[rated - 1].focus({ preventScroll: true });
  };
  const card = h('div.card.rated', null, t('rated', { rating: t(`csat${rated}`) }), changeable && button('quiet', change, t('change')));
  return card;
}

/** @param {any} part */
const say = ({ fallback, text, title, name }) => h('div.text', null, format(fallback ?? text ?? title ?? name ?? ''));

const DRAWN = {
  image: picture,
  audio: file,
  video: file,
  file,
  choices: ({ text, options }, entry, chat) => [say({ text }), h('div.choices', null, options.map(({ id, title, description }) =>
    Object.assign(button('', () => chat.send({ parts: [{ type: 'choice_reply', id, title }], in_reply_to: entry.id }), title, description && h('small', null, description)), { disabled: !isAsking(entry, chat) })))],
  form: (part, entry, chat) => (isAsking(entry, chat)
    ? buildForm(part, (values) => chat.send({ parts: [{ type: 'form_reply', form_id: part.id, values }], in_reply_to: entry.id }), chat.visitor) : say({ text: part.title ?? '✓' })),
  form_reply: ({ values }) => h('dl', null, values.map(({ label, value }) => [h('dt', null, label), h('dd', null, value)])),
  link_preview: ({ url, title }) => link(url, title || url),
};

const fetchBlob = async (chat, { id }) => URL.createObjectURL(await (await chat.ask('GET', `/attachments/${id}`)).blob());

function picture(part, entry, chat) {
  const { attachment } = part;
  const { name, media_type: type, width, height } = attachment;
  if (!SHOWN.test(type)) return file(part, entry, chat);
  const shown = h('img', { alt: part.alt || name || t('picture'), ...(width && { width, height }) });
  const open = h('a.picture', { download: name }, shown);
  fetchBlob(chat, attachment).then((url) => { open.href = shown.src = url; }, () => open.replaceWith(file(part, entry, chat)));
  return open;
}

function file({ attachment }, entry, chat) {
  const { name, media_type: type } = attachment;
  const played = /^audio|^video/.exec(type)?.[0];
  const shown = button('file', async () => {
    const src = await fetchBlob(chat, attachment);
    if (played) shown.replaceWith(h(played, { src, controls: true, autoplay: true }));
    else h('a', { href: src, download: name }).click();
  }, icon('file'), h('bdi', null, name || t('file')));
  return shown;
}

/**
 * @param {{title?: string | null, fields: Field[], submit?: string | null}} asked
 * @param {(values: {name: string, label?: string, value: any}[], given: Record<string, any>) => unknown} done
 * @param {any} [known] what is filled in already
 */
export function buildForm({ title, fields, submit }, done, known) {
  const problem = h('p.failed', { role: 'alert' });
  const go = h('button.main', null, submit || t('send'));
  const form = h('form', {
    async onsubmit(event) {
      event.preventDefault();
      const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => `${value}`.trim()));
      go.disabled = true;
      try {
        await done(fields.filter(({ name }) => given[name]).map(({ name, label }) => ({ name, label, value: given[name] })), given);
      } catch (error) {
        problem.textContent = explain(/** @type {any} */ (error));
      }
      go.disabled = false;
    },
  }, title && h('h2', null, title), fields.map((field) => buildField(field, known)), problem, go);
  return form;
}

/** @param {Field} field @param {any} known */
function buildField({ name, label, kind, required, options = [] }, known) {
  if (kind == 'rating') return h('fieldset', null, h('legend.unseen', null, t('rate')), [1, 2, 3, 4, 5].map((value) =>
    h('label', null, h('input', { type: 'radio', name, value, required, checked: value == known?.rating }), h('b', null, value), h('small', null, t(`csat${value}`)))));
  const id = `f${(ids += 1)}`;
  const facts = { id, name, required, dir: 'auto' };
  const value = known?.[name] ?? known?.[kind ?? ''] ?? '';
  const type = kind == 'phone' ? 'tel' : kind ?? 'text';
  const autocomplete = type != 'text' ? type : name == 'name' ? name : 'on';
  const input = kind == 'select' ? h(kind, facts, h('option'), options.map((one) => h('option', null, one)))
    : kind == 'textarea' ? h(kind, facts) : kind == 'checkbox' ? h('input', { ...facts, type }) : h('input', { ...facts, type, autocomplete, value });
  return h(`p.${kind}`, null, h('label', { htmlFor: id }, label, !required && h('small', null, ` (${t('optional')})`)), input);
}
