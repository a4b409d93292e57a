/** A call: what became of it, the recording with its player, and what was said, which leads to its place in it. */
import { h, icon } from '../dom.js';
import { t } from '../strings.js';
import { player } from './parts.js';
import { duration } from './times.js';

/** @type {Record<string, string>} */
const CALL_STATES = { ringing: 'Ringing', active: 'Being spoken', held: 'On hold' };
/** @type {Record<string, string>} */
const OUTCOMES = { answered: 'Call', missed: 'Missed call', voicemail: 'Voicemail', busy: 'Busy', failed: 'The call failed' };

/** @param {any} entry of type `call` @returns {any} */
export function callCard(entry) {
  const call = entry.call ?? {};
  const recording = call.recording && player('audio', call.recording);
  const audio = recording?.tagName === 'AUDIO' ? recording : null;
  const missed = call.outcome === 'missed' || call.outcome === 'failed';
  const way = t(entry.direction === 'inbound' ? 'incoming' : 'outgoing');
  return h('div', { class: 'call' },
    h('p', { class: `row strong ${missed ? 'bad' : ''}` }, icon('voice'), t(OUTCOMES[call.outcome] ?? CALL_STATES[call.state] ?? 'Call'),
      h('span', { class: 'faint' }, [way, call.duration_s && duration(call.duration_s)].filter(Boolean).join(' · '))),
    recording,
    call.transcript?.length > 0 && transcript(call.transcript, audio),
    entry.text && !call.transcript?.length && h('p', { dir: 'auto' }, entry.text));
}

function transcript(segments, audio) {
  return h('details', { class: 'transcript', open: segments.length < 8 }, h('summary', {}, icon('chevron'), t('Transcript')),
    h('ol', {}, segments.map((segment) => h('li', {}, h('button', { type: 'button', class: 'link number', disabled: !audio, onclick: () => playFrom(audio, segment.start) }, duration(segment.start ?? 0)),
      h('strong', {}, segment.speaker), h('span', { dir: 'auto' }, segment.text)))));
}

function playFrom(audio, seconds) {
  audio.currentTime = seconds;
  void audio.play();
}
