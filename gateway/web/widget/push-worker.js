/**
 * Shows a notice when somebody has answered and the chat is closed; a click opens the page the visitor was on.
 *
 * It keeps nothing, asks nobody and changes no request of a page. MIT licence.
 */

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('push', (event) => {
  const notice = event.data?.json();
  if (!notice) return;
  const { title, body, tag, url, lang } = notice;
  const options = { body, tag, renotify: true, data: { url }, dir: 'auto', lang: lang ?? '' };
  event.waitUntil(registration.showNotification(title, options));
});

addEventListener('notificationclick', (event) => {
  event.notification.close();
  const url = event.notification.data?.url;
  if (url && /^https?:/.test(url)) event.waitUntil(clients.openWindow(url));
});
