/** Customer and agent in two halves of one screen: a demo's way to see the whole round in a minute. */
import { h, icon, mount } from '../console/dom.js';
import { makeAgent } from './agent.js';
import { ask } from './ask.js';
import { makeBrowser } from './browser.js';
import { makeMail } from './mail.js';
import { makePhone } from './phone.js';
import { makeSteps } from './steps.js';
import { makeTabs } from './tabs.js';

const app = /** @type {HTMLElement} */ (document.getElementById('sim'));

/** @param {any} scenery */
function start(scenery) {
  const began = Date.now() / 1000;
  const steps = makeSteps();
  const agent = makeAgent({ scenery });
  const show = (address) => {
    steps.done(1);
    agent.open(address);
  };
  const arrived = (tab, items) => {
    if (!items.some((item) => isAnswer(item) && item.at > began)) return;
    steps.done(3);
    customer.tabs.mark(tab, true);
  };
  const phone = makePhone({
    scenery,
    onsent: () => show(phone.number()),
    onread: (texts) => arrived('phone', texts),
    onnumber: () => follow(phone, mail, scenery),
  });
  const mail = makeMail({ scenery, onsent: () => show(scenery.user.email), onread: (mails) => arrived('mail', mails) });
  const browser = makeBrowser();
  addEventListener('message', ({ origin, data }) => {
    if (origin !== location.origin || data?.from !== 'shop') return;
    if (data.answered) steps.done(3);
    else if (data.known) show(scenery.user.email);
    else steps.done(1);
  });
  const customer = makeCustomer([
    { id: 'phone', title: 'Phone', icon: 'phone', panel: phone.panel },
    { id: 'mail', title: 'Mail', icon: 'email', panel: mail.panel },
    { id: 'shop', title: 'Shop', icon: 'globe', panel: browser.panel },
  ]);
  mount(app, makeTop(steps.element), makeHalves(customer.panel, agent.panel));
  customer.tabs.show('phone');
  agent.look();
  follow(phone, mail, scenery);
  phone.read();
  mail.read();
}

/** What reaches the phone and the mail box is read as it comes; after a break, all of it. */
let line = null;
function follow(phone, mail, scenery) {
  line?.close();
  const query = new URLSearchParams({ phone: phone.number(), mail: scenery.user.email });
  line = new EventSource(`/sim/api/arrivals?${query}`);
  line.addEventListener('phone', () => phone.read());
  line.addEventListener('mail', () => mail.read());
  line.onopen = () => [phone, mail].forEach((screen) => screen.read());
}

function isAnswer(item) {
  return item.author === 'business' || item.direction === 'in';
}

function makeTop(guide) {
  const mark = h('a', { class: 'brand', href: '/sim' }, h('img', { src: new URL('../console/icon.svg', import.meta.url).href, alt: '', width: 26, height: 26 }), h('h1', null, 'Switchboard'), h('span', { class: 'chip accent' }, 'Demo'));
  const links = h('nav', { class: 'row small', 'aria-label': 'More' }, h('a', { href: '/console', target: '_blank' }, 'Console'), h('a', { href: '/docs', target: '_blank' }, 'API'));
  return h('header', { class: 'top' }, mark, guide, links);
}

function makeCustomer(screens) {
  const tabs = makeTabs({ label: 'What the customer writes with', tabs: screens });
  const head = h('header', { class: 'half-head' }, icon('user'), h('h2', null, 'The customer'), h('span', { class: 'grow' }), tabs.bar);
  return { tabs, panel: h('section', { class: 'half customer', 'aria-label': 'The customer' }, head, screens.map((one) => one.panel)) };
}

/** Side by side; where there is no room, one at a time. */
function makeHalves(customer, agent) {
  const halves = h('div', { class: 'halves', data: { shown: 'customer' } }, customer, agent);
  const button = (id, title, name) => h('button', { type: 'button', 'aria-pressed': String(id === 'customer'), onclick: (event) => turn(event.currentTarget, id) }, icon(name), title);
  const turn = (pressed, id) => {
    halves.dataset.shown = id;
    for (const one of pressed.parentElement.children) one.setAttribute('aria-pressed', String(one === pressed));
  };
  const sides = h('div', { class: 'sides', role: 'group', 'aria-label': 'Side' }, button('customer', 'Customer', 'user'), button('agent', 'Agent', 'inbox'));
  return h('main', { class: 'stage' }, sides, halves);
}

ask('/sim/api/scenery').then(start, (error) => {
  mount(app, h('main', { class: 'empty' }, icon('alert'), h('h1', null, 'The demo is not there'), h('p', null, error.message)));
});
