/**
 * The window that asks whether notices may be shown: the frame of another site may not ask (Permissions, Push API).
 *
 * It holds no token. The frame that opened it hands the subscription in, by the function `subscribePush` of its window,
 * which only pages of our own origin can reach. MIT licence.
 */

const WORKER = '/widget/v1/push-worker.js';
const SCOPE = '/widget/v1/';
const CLOSE_MS = 1500;

/** Title, words, button; when it is done, refused, or cannot be. @type {Record<string, string[]>} */
const WORDS = {
  en: ['Notifications', 'Be told here when somebody answers you, also while the chat is closed.', 'Turn on',
    'You will be told.', 'Notifications are blocked for this page. You can allow them in your browser’s settings.',
    'This browser cannot show notifications here.'],
  es: ['Avisos', 'Recibe aquí un aviso cuando alguien te responda, también con el chat cerrado.', 'Activar',
    'Te avisaremos.', 'Los avisos están bloqueados para esta página. Puedes permitirlos en los ajustes del navegador.',
    'Este navegador no puede mostrar avisos aquí.'],
  de: ['Benachrichtigungen', 'Hier erfahren, wenn jemand antwortet, auch wenn der Chat geschlossen ist.', 'Einschalten',
    'Sie werden benachrichtigt.', 'Benachrichtigungen sind für diese Seite gesperrt. Erlauben Sie sie in den Einstellungen.',
    'Dieser Browser kann hier keine Benachrichtigungen zeigen.'],
  fr: ['Notifications', 'Soyez averti ici lorsqu’on vous répond, même lorsque la discussion est fermée.', 'Activer',
    'Vous serez averti.', 'Les notifications sont bloquées pour cette page. Autorisez-les dans les réglages du navigateur.',
    'Ce navigateur ne peut pas afficher de notifications ici.'],
  pt: ['Notificações', 'Receba aqui um aviso quando alguém responder, mesmo com a conversa fechada.', 'Ativar',
    'Vamos avisar você.', 'As notificações estão bloqueadas nesta página. Você pode permiti-las nas configurações do navegador.',
    'Este navegador não consegue mostrar notificações aqui.'],
  ar: ['الإشعارات', 'تلقَّ إشعارًا هنا عندما يرد عليك أحد، حتى عندما تكون المحادثة مغلقة.', 'تفعيل',
    'سيتم إشعارك.', 'الإشعارات محظورة لهذه الصفحة. يمكنك السماح بها من إعدادات المتصفح.',
    'لا يمكن لهذا المتصفح عرض الإشعارات هنا.'],
  zh: ['通知', '有人回复您时在此通知您，即使对话已关闭。', '开启', '我们会通知您。',
    '此页面的通知已被阻止。您可以在浏览器设置中允许。', '此浏览器无法在此显示通知。'],
};

const main = /** @type {HTMLElement} */ (document.getElementById('notify'));
const channel = new URLSearchParams(location.search).get('channel') ?? '';

begin();

async function begin() {
  const config = await readConfig();
  const locale = config?.locale ?? navigator.language;
  const language = locale.split('-')[0];
  const words = WORDS[language] ?? WORDS.en;
  document.documentElement.lang = WORDS[language] ? language : 'en';
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
  document.title = words[0];
  const able = 'Notification' in window && 'serviceWorker' in navigator && 'PushManager' in window;
  if (!able || !config?.push?.public_key || !opener?.subscribePush) return say(words[0], words[5]);
  const button = element('button', words[2]);
  button.addEventListener('click', () => turnOn(button, config.push.public_key, words));
  main.replaceChildren(element('h1', words[0]), element('p', words[1]), button);
  button.focus();
}

/** Asked in answer to a click: browsers show the question at no other time. */
async function turnOn(button, key, words) {
  button.disabled = true;
  if (await Notification.requestPermission() !== 'granted') return say(words[0], words[4]);
  try {
    await opener.subscribePush(await subscribe(key));
  } catch {
    return say(words[0], words[5]);
  }
  say(words[0], words[3]);
  setTimeout(() => close(), CLOSE_MS);
}

/** The browser's subscription for our key; one for an older key is replaced. */
async function subscribe(key) {
  await navigator.serviceWorker.register(workerUrl(), { scope: SCOPE });
  const registration = await navigator.serviceWorker.ready;
  const applicationServerKey = decode(key);
  const before = await registration.pushManager.getSubscription();
  if (before && !isFor(before, applicationServerKey)) await before.unsubscribe();
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const { endpoint, keys } = subscription.toJSON();
  return { endpoint, keys: { p256dh: keys?.p256dh, auth: keys?.auth } };
}

/** The one URL of a script this page may load by name (Trusted Types): never anything that was handed to it. */
function workerUrl() {
  const policy = window.trustedTypes?.createPolicy('switchboard-worker', { createScriptURL: () => WORKER });
  return policy ? policy.createScriptURL('') : WORKER;
}

function isFor(subscription, key) {
  const held = subscription.options.applicationServerKey;
  return held && new Uint8Array(held).every((byte, at) => byte === key[at]);
}

async function readConfig() {
  const answer = await fetch(`/widget/v1/config?channel=${encodeURIComponent(channel)}&locale=${navigator.language}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

function decode(text) {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

function say(title, words) {
  main.replaceChildren(element('h1', title), element('p', words));
}

function element(tag, words) {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}
