/** Calling somebody back to the page: its title, a notification and a sound, the latter two only where they were chosen. */
import { nameOf, whoIn } from './format.js';
import { t } from './strings.js';

const TONE_SECONDS = 0.18;
const RING_APART_MS = 2000;

/** @param {any} app */
export function createAttention(app) {
  const { bus, prefs, store, router, live } = app;
  let unread = 0, rangAt = 0;
  const showTitle = () => { document.title = titleOf(app, unread); };
  bus.on('event', (event) => {
    // What is caught up on after a night calls nobody one by one: it is counted.
    if (live.status().state !== 'online' || !calls(event, store.me)) return;
    const away = document.hidden || !document.hasFocus();
    const heard = prefs.get('sound') && (away || router.route().conversationId !== event.conversation_id);
    if (heard && Date.now() - rangAt > RING_APART_MS) {
      rangAt = Date.now();
      ring();
    }
    if (prefs.get('notify') && away) notify(event, app);
  });
  bus.on('route', showTitle);
  store.subscribe('list', showTitle);
  return {
    showTitle,
    setUnread(count) {
      unread = count;
      navigator.setAppBadge?.(count).catch(() => undefined);
      showTitle();
    },
  };
}

/** What the page is called: how much waits unread, and what is open. */
function titleOf({ store, router, model }, unread) {
  const route = router.route();
  const open = route.conversationId && store.conversation(route.conversationId);
  const view = store.get('views').find((one) => one.id === model.get().view)?.name;
  const name = route.page === 'settings' ? t('Settings') : open ? whoIn(open) : route.q ? t('Search results') : view;
  return `${unread ? `(${unread}) ` : ''}${[name, 'Switchboard'].filter(Boolean).join(' · ')}`;
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

function notify({ conversation_id: id, data }, { router }) {
  if (!('Notification' in globalThis) || Notification.permission !== 'granted') return;
  const shown = new Notification(nameOf(data.entry.author), { body: (data.entry.text ?? '').slice(0, 140), tag: id });
  shown.onclick = () => { focus(); router.open(id); shown.close(); };
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
