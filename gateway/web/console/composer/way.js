/** The way an answer takes: shown, chosen, and, where it is closed, why and what is open instead. */
import { h, icon, mount } from '../dom.js';
import { showAddress } from '../format.js';
import { openMenu } from '../timeline/menu.js';
import { MEDIA } from '../timeline/message.js';
import { say, sayCount } from '../timeline/words.js';
import { describeLosses, mediaWithoutAddress, nameWay, whyClosed, whyNotThese } from './channels.js';
import { countSegments } from './segments.js';

/** @param {any} ui of `buildBox` @param {{way: any, ways: any[], channels: any[], asked: boolean, note: boolean}} state @param {{take: (way: any) => void, write: () => void}} on */
export function showWay(ui, { way, ways, channels, asked, note }, on) {
  const why = way ? whyClosed(way) : '';
  mount(ui.way, way ? [icon(way.channel), h('span', { class: 'clip' }, nameWay(way, channels)), h('bdi', { class: 'clip faint wide' }, showAddress(way.address)), icon('chevrondown')] : say(asked ? 'No way to answer' : '…'));
  const closed = !note && (why || (!way && asked));
  if (!closed) return mount(ui.closed);
  const words = way ? say('Can’t send by {medium}: {why}.', { medium: MEDIA[way.channel] ?? way.channel, why }) : say('Nothing can be sent: there is no address to send to.');
  mount(ui.closed, h('div', { class: 'closed' }, icon('alert'), h('p', { class: 'grow' }, words),
    ways.filter((one) => !whyClosed(one)).map((one) => h('button', { type: 'button', onclick: () => on.take(one) }, icon(one.channel), say('Use {way}', { way: nameWay(one, channels) }))),
    h('button', { type: 'button', onclick: on.write }, icon('lock'), say('Write a note'))));
}

/** @param {HTMLElement} anchor @param {{way: any, ways: any[], channels: any[]}} state @param {(way: any) => void} take */
export function chooseWay(anchor, { way, ways, channels }, take) {
  const item = (one) => ({ label: nameWay(one, channels), detail: [showAddress(one.address), whyClosed(one)].filter(Boolean).join(' – '), icon: one.channel, checked: one === way, disabled: Boolean(whyClosed(one)), run: () => take(one) });
  const without = (medium) => ({ label: MEDIA[medium] ?? medium, detail: say('no address of theirs is known'), icon: medium, disabled: true, run: () => undefined });
  openMenu(anchor, [...ways.map(item), ...mediaWithoutAddress(channels, ways).map(without)]);
}

/** What the words come to on this way: texts, what is lost, what does not fit. @param {HTMLElement} el @param {any} way @param {string} text */
export function showCount(el, way, text) {
  const told = way?.pieces?.at(-1)?.segments;
  const sms = way?.channel === 'sms' && text && (told ? { ...told, segments: way.segments ?? told.segments } : countSegments(text));
  const cost = sms ? [sayCount(sms.segments, '{n} text', '{n} texts'), sms.encoding, say('{n} left', { n: sms.units_left })] : [];
  const wrong = way ? whyNotThese(way) : '';
  mount(el, [...cost, wrong, way ? describeLosses(way) : ''].filter(Boolean).join(' · '));
  el.classList.toggle('bad', Boolean(wrong));
}
