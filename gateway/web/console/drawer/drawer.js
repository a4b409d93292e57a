/** For whoever builds on the API: what this page asked, what it was told, and where the stream stands. */
import { button, h, iconButton, mount } from '../dom.js';
import { showClock } from '../format.js';
import { t } from '../strings.js';
import { copyText } from '../toast.js';

const LINES = 200;

/** @param {any} app @param {any[]} events the last ones, kept by whoever calls */
export function createDrawer(app, events) {
  const { bus, api, live, prefs } = app;
  const standing = h('dl', { class: 'standing row grow' });
  const lines = h('div', { class: 'lines', role: 'tabpanel', id: 'drawer-lines', tabIndex: 0, 'aria-label': t('Developer') });
  const tab = (name, all, line) => h('button', { type: 'button', role: 'tab', class: 'plain', data: { tab: name }, 'aria-controls': lines.id, onclick: () => show(name, all.map(line)) }, t(`drawer_${name}`));
  const tabs = [tab('events', events, drawerEvent), tab('requests', api.log, requestLine)];
  const element = h('section', { class: 'drawer', 'aria-label': t('Developer') },
    h('div', { class: 'row head' }, h('div', { role: 'tablist', class: 'row', 'aria-label': t('Developer') }, tabs),
      standing, iconButton('retry', t('Cut the connection, to see it come back'), () => live.drop()), iconButton('close', t('Close'), () => toggle(false))), lines);
  let shown = 'events';

  function show(name, all) {
    shown = name;
    mount(lines, all.reverse());
    for (const one of tabs) one.setAttribute('aria-selected', String(one.dataset.tab === name));
    showStanding();
  }
  function showStanding() {
    const { state, by, cursor } = live.status();
    mount(standing, Object.entries({ state, by, cursor: cursor ?? '—' }).map(([name, value]) => [h('dt', null, t(`live_${name}`)), h('dd', null, h('code', null, value))]));
  }
  /** A line more on top, so that what is open below stays as it is. */
  const add = (name, line) => (one) => {
    if (!element.isConnected) return;
    if (shown === name) lines.prepend(line(one));
    while (lines.childElementCount > LINES) lines.lastElementChild?.remove();
    showStanding();
  };
  function toggle(on = !element.isConnected) {
    prefs.set('drawer', on);
    if (!on) return element.remove();
    document.querySelector('.shell')?.append(element);
    return tabs.find((one) => one.dataset.tab === shown)?.click();
  }
  bus.on('event', add('events', drawerEvent));
  bus.on('request', add('requests', requestLine));
  for (const name of ['connection', 'live-ready']) bus.on(name, showStanding);
  return { toggle };
}

function drawerEvent(event) {
  return foldedLine(event.id, [h('time', { class: 'faint number' }, showClock(event.timestamp)), h('code', { class: 'grow clip' }, event.type), h('code', { class: 'faint clip' }, event.conversation_id ?? ''), h('code', { class: 'faint' }, event.cursor)], () => {
    const text = JSON.stringify(event, null, 2);
    return [h('pre', { tabIndex: 0 }, text), button(t('Copy JSON'), () => copyText(text), { class: 'link' })];
  });
}

function requestLine(one) {
  const bad = one.status === 0 || one.status >= 400;
  return foldedLine(`${one.at}${one.path}`, [h('span', { class: `chip number ${bad ? 'bad' : 'ok'}` }, one.status || '—'), h('code', { class: 'strong' }, one.method), h('code', { class: 'grow clip' }, one.path), h('span', { class: 'faint number' }, `${one.ms} ms`)], () => [
    one.body && h('pre', { tabIndex: 0 }, one.body), h('pre', { tabIndex: 0 }, prettyJson(one.answer)),
    h('div', { class: 'row' }, button(t('Copy as curl'), () => copyText(asCurl(one, location.origin)), { class: 'link' }), h('code', { class: 'faint' }, one.requestId ?? '')),
  ]);
}

/** What is in it is made when it is opened. */
function foldedLine(key, summary, build) {
  const body = h('div');
  return h('details', { data: { key }, ontoggle: () => { if (!body.firstChild) mount(body, build()); } }, h('summary', { class: 'row' }, summary), body);
}

/** The request for a shell, with a key's place instead of a key. Pure. @param {any} request @param {string} origin */
export function asCurl({ method, path, body }, origin) {
  const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quote(origin + path)}`, '-H "Authorization: Bearer $SWITCHBOARD_API_KEY"'];
  if (body && body !== '(form)') lines.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return lines.join(' \\\n  ');
}

function prettyJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || '—';
  }
}
