/** By which way an answer may leave: what the gateway says of each, and words for those that are closed. Pure. */
import { t } from '../strings.js';
import { MEDIA } from '../timeline/message.js';

/**
 * @typedef {{channel: string, channel_id: string, address: string, can_send: boolean, reasons: {code: string, detail: string, pointer: string | null}[], until?: string | null, pieces?: any[], lost?: any[], missing?: string[], recipients?: any[], left_out?: any[], subject?: string | null}} Way
 */

/** Reasons that are about the words so far, not about the way. @param {{pointer: string | null}} reason */
const isAboutWords = (reason) => Boolean(reason.pointer?.startsWith('/parts') || reason.pointer?.startsWith('/text'));

/** Why nothing at all may leave by a way; '' where it may. @param {Way} way */
export function whyClosed(way) {
  const reasons = way.reasons.filter((reason) => !isAboutWords(reason));
  return way.can_send || !reasons.length ? '' : reasons.map((reason) => reason.detail).join('; ');
}

/** What is wrong with the words for this way; '' where nothing is. @param {Way} way */
export function whyNotThese(way) {
  return way.reasons.filter(isAboutWords).map((reason) => reason.detail).join('; ');
}

/**
 * The way to begin with: what was chosen, else the conversation's own, else the first that is open.
 * @param {Way[]} ways @param {{channel?: string | null, channel_id?: string | null} | null} chosen @param {any} route `reply_route`
 * @returns {Way | null}
 */
export function pickWay(ways, chosen, route) {
  const of = (one) => one?.channel_id && ways.find((way) => way.channel_id === one.channel_id && (!one.address || way.address === one.address));
  return of(chosen) || of(route) || ways.find((way) => !whyClosed(way)) || ways[0] || null;
}

/** Media that we hold channels of, but this contact has no address on. @param {any[]} channels @param {Way[]} ways */
export function mediaWithoutAddress(channels, ways) {
  const reached = new Set(ways.map((way) => way.channel));
  return [...new Set(channels.filter((one) => one.status !== 'paused').map((one) => one.medium))].filter((medium) => medium && !reached.has(medium));
}

/** @param {Way} way @param {any[]} channels */
export function nameWay(way, channels) {
  const named = channels.find((one) => one.id === way.channel_id)?.name;
  return [MEDIA[way.channel] ?? way.channel, named].filter(Boolean).join(' · ');
}

/** The limits a way's adapter tells. @param {Way | null} way @param {any[]} channels @param {any[]} types */
export function limitsOf(way, channels, types) {
  const adapter = channels.find((one) => one.id === way?.channel_id)?.adapter;
  return types.find((type) => type.id === adapter)?.limits ?? null;
}

/** @param {Way} way */
export function describeLosses(way) {
  const lost = (way.lost ?? []).map(({ feature, becomes }) => t('{feature} becomes {becomes}', { feature, becomes }));
  const missing = (way.missing ?? []).map((name) => t('{name} is not known', { name }));
  return [...lost, ...missing].join('; ');
}
