/**
 * Shows a notice when somebody has answered and the chat is closed; a click opens the page the visitor was on.
 *
 * It keeps nothing, asks nobody and changes no request of a page. MIT licence.
 */

/** @type {any} the scope of a service worker, not of a page */
const worker = self;

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener('push', (event) => {
  const notice = event.data?.json();
  if (!notice) return;
  const { title, body, tag, url, lang } = notice;
  const options = { body, tag, renotify: true, data: { url }, dir: 'auto', lang: lang ?? '' };
  event.waitUntil(worker.registration.showNotification(title, options));
});

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const url = event.notification.data?.url;
  if (url && /^https?:/.test(url)) event.waitUntil(worker.clients.openWindow(url));
});
