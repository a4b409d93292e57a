/** The way an answer takes: shown, chosen, and, where it is closed, why and what is open instead. */
import { button, h, icon, mount } from '../dom.js';
import { showAddress, showWhole } from '../format.js';
import { t, tCount } from '../strings.js';
import { openMenu } from '../timeline/menu.js';
import { MEDIA } from '../timeline/message.js';
import { describeLosses, mediaWithoutAddress, nameWay, whyClosed, whyNotThese } from './channels.js';
import { countSegments } from './segments.js';

/** @param {any} ui of `buildBox` @param {{way: any, ways: any[], channels: any[], asked: boolean, note: boolean}} state @param {{take: (way: any) => void, write: () => void}} on */
export function showWay(ui, { way, ways, channels, asked, note }, on) {
  const why = way ? whyClosed(way) : '';
  mount(ui.way, way ? [icon(way.channel), h('span', { class: 'clip' }, nameWay(way, channels)), h('bdi', { class: 'clip faint wide' }, showAddress(way.address)), icon('chevrondown')] : t(asked ? 'No way to answer' : '…'));
  const closed = !note && (why || (!way && asked));
  if (!closed) return mount(ui.closed);
  const words = way ? t('Can’t send by {medium}: {why}.', { medium: MEDIA[way.channel] ?? way.channel, why }) : t('Nothing can be sent: there is no address to send to.');
  mount(ui.closed, h('div', { class: 'closed' }, icon('alert'), h('p', { class: 'grow' }, words),
    ways.filter((one) => !whyClosed(one)).map((one) => button(t('Use {way}', { way: nameWay(one, channels) }), () => on.take(one), { icon: one.channel })),
    button(t('Write a note'), on.write, { icon: 'lock' })));
}

/** @param {HTMLElement} anchor @param {{way: any, ways: any[], channels: any[]}} state @param {(way: any) => void} take */
export function chooseWay(anchor, { way, ways, channels }, take) {
  const item = (one) => ({ label: nameWay(one, channels), detail: [showAddress(one.address), whyClosed(one), one.until && t('until {at}', { at: showWhole(one.until) })].filter(Boolean).join(' – '), icon: one.channel, checked: one === way, disabled: Boolean(whyClosed(one)), run: () => take(one) });
  const without = (medium) => ({ label: MEDIA[medium] ?? medium, detail: t('no address of theirs is known'), icon: medium, disabled: true, run: () => undefined });
  openMenu(anchor, [...ways.map(item), ...mediaWithoutAddress(channels, ways).map(without)]);
}

/** What the words come to on this way: texts, what is lost, what does not fit. @param {HTMLElement} el @param {any} way @param {string} text @param {string} also what is wrong with the files */
export function showCount(el, way, text, also) {
  const told = way?.pieces?.at(-1)?.segments;
  const sms = way?.channel === 'sms' && text && (told ? { ...told, segments: way.segments ?? told.segments } : countSegments(text));
  const cost = sms ? [tCount(sms.segments, '{n} text', '{n} texts'), sms.encoding !== 'GSM-7' && sms.encoding, t('{n} left', { n: sms.units_left })] : []; // what is plain costs nothing
  const wrong = [way && whyNotThese(way), also].filter(Boolean).join(' · ');
  mount(el, [...cost, wrong, way ? describeLosses(way) : ''].filter(Boolean).join(' · '));
  el.classList.toggle('bad', Boolean(wrong));
}
