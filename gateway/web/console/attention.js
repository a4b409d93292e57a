/** Calling somebody back to the page: its title, a notification and a sound, the latter two only where they were chosen. */
import { titleOf } from './shell.js';
import { t } from './strings.js';

const TONE_SECONDS = 0.18;

/** @param {any} app */
export function createAttention(app) {
  const { bus, prefs, store, router } = app;
  let unread = 0;
  const showTitle = () => { document.title = titleOf(app, unread); };
  bus.on('event', (event) => {
    if (!calls(event, store.me)) return;
    const away = document.hidden || !document.hasFocus();
    if (prefs.get('sound') && (away || router.route().conversationId !== event.conversation_id)) ring();
    if (prefs.get('notify') && away) notify(event, app);
  });
  bus.on('route', showTitle);
  store.subscribe('list', showTitle);
  return {
    showTitle,
    setUnread(count) {
      unread = count;
      showTitle();
    },
  };
}

/** A customer wrote, to me or to nobody yet. @param {any} event @param {any} me */
export function calls(event, me) {
  const { entry, conversation } = event.data;
  const holder = conversation?.assignee?.id;
  return event.type === 'message.created' && entry?.direction === 'inbound' && (!holder || holder === me?.id);
}

/** Ask for the right to notify; the answer is kept. @param {any} prefs @param {boolean} on */
export async function chooseNotifications(prefs, on) {
  const allowed = on && 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted';
  prefs.set('notify', allowed);
  return allowed;
}

function notify(event, { router }) {
  if (!('Notification' in globalThis) || Notification.permission !== 'granted') return;
  const { entry, conversation } = event.data;
  const shown = new Notification(conversation?.contact?.name ?? t('newMessage'), { body: entry.text.slice(0, 140), tag: event.conversation_id });
  shown.onclick = () => { focus(); router.open(event.conversation_id); shown.close(); };
}

function ring() {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.12, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + TONE_SECONDS);
  tone.frequency.value = 660;
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => audio.close();
  tone.start();
  tone.stop(audio.currentTime + TONE_SECONDS);
}
