/** For whoever builds on the API: what this page asked, what it was told, and where the stream stands. */
import { h, iconButton, mount } from '../dom.js';
import { showClock } from '../format.js';
import { toast } from '../toast.js';
import { t } from '../strings.js';

/** @param {any} app @param {any[]} events the last ones, kept by whoever calls */
export function createDrawer(app, events) {
  const { bus, api, live, prefs } = app;
  let element = null, tab = 'events', frame = 0;
  const draw = () => { frame ||= requestAnimationFrame(() => { frame = 0; if (element) show(); }); };
  for (const name of ['event', 'request', 'connection', 'live-ready']) bus.on(name, draw);

  function show() {
    const status = live.status();
    mount(element.querySelector('.standing'), [['state', status.state], ['by', status.by], ['cursor', status.cursor ?? '—']].map(([name, value]) => [h('dt', null, t(`live_${name}`)), h('dd', null, h('code', null, value))]));
    const open = new Set([...element.querySelectorAll('details[open]')].map((one) => one.dataset.key));
    const lines = tab === 'events' ? events.map(eventLine) : api.log.map(requestLine);
    mount(element.querySelector('.lines'), lines.reverse());
    for (const one of element.querySelectorAll('.lines details')) one.open = open.has(one.dataset.key);
    for (const one of element.querySelectorAll('[role=tab]')) one.setAttribute('aria-selected', String(one.dataset.tab === tab));
  }
  function build() {
    const choose = (name) => h('button', { type: 'button', role: 'tab', class: 'plain', data: { tab: name }, 'aria-controls': 'drawer-lines', onclick: () => { tab = name; show(); } }, t(`drawer_${name}`));
    return h('section', { class: 'drawer', 'aria-label': t('developer') },
      h('div', { class: 'row head' }, h('div', { role: 'tablist', class: 'row', 'aria-label': t('developer') }, choose('events'), choose('requests')),
        h('dl', { class: 'standing row grow' }), iconButton('retry', t('dropConnection'), () => live.drop()), iconButton('close', t('close_it'), () => toggle(false))),
      h('div', { class: 'lines', role: 'tabpanel', id: 'drawer-lines', tabIndex: 0, 'aria-label': t('developer') }));
  }
  function toggle(on = !element) {
    prefs.set('drawer', on);
    if (on && !element) {
      element = build();
      document.querySelector('.shell')?.append(element);
      show();
    } else if (!on) {
      element?.remove();
      element = null;
    }
  }
  return { toggle };
}

function eventLine(event) {
  return h('details', { data: { key: event.id } },
    h('summary', { class: 'row' }, h('time', { class: 'faint number' }, showClock(event.timestamp)), h('code', { class: 'grow clip' }, event.type), h('code', { class: 'faint clip' }, event.conversation_id ?? ''), h('code', { class: 'faint' }, event.cursor)),
    h('pre', { tabIndex: 0 }, JSON.stringify(event, null, 2)), h('button', { type: 'button', class: 'link', onclick: () => copy(JSON.stringify(event, null, 2)) }, t('copyJson')));
}

function requestLine(one) {
  const bad = one.status === 0 || one.status >= 400;
  return h('details', { data: { key: `${one.at}${one.path}` } },
    h('summary', { class: 'row' }, h('span', { class: `chip number ${bad ? 'bad' : 'ok'}` }, one.status || '—'), h('code', { class: 'strong' }, one.method), h('code', { class: 'grow clip' }, one.path), h('span', { class: 'faint number' }, `${one.ms} ms`)),
    one.body && h('pre', { tabIndex: 0 }, one.body), h('pre', { tabIndex: 0 }, pretty(one.answer)),
    h('div', { class: 'row' }, h('button', { type: 'button', class: 'link', onclick: () => copy(asCurl(one, location.origin)) }, t('copyCurl')), h('code', { class: 'faint' }, one.requestId ?? '')));
}

/** The request for a shell, with a key's place instead of a key. Pure. @param {any} request @param {string} origin */
export function asCurl({ method, path, body }, origin) {
  const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quote(origin + path)}`, '-H "Authorization: Bearer $SWITCHBOARD_API_KEY"'];
  if (body && body !== '(form)') lines.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return lines.join(' \\\n  ');
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || '—';
  }
}

async function copy(text) {
  await navigator.clipboard?.writeText(text);
  toast(t('copied'), { kind: 'ok' });
}
