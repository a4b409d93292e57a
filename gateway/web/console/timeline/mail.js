/**
 * Shows the HTML of one mail inside a sandboxed frame of its own origin, and tells the page around it how tall it is.
 * The HTML was sanitised by the gateway; here it meets a policy that runs nothing and loads nothing, and loses once more
 * whatever could. Outside a sandbox this page does nothing: it would show strangers' words under our name.
 */
'use strict';

const ACTIVE = 'script, style, link, meta, base, iframe, frame, object, embed, form, input, button, textarea, select, svg, math, template, video, audio';

if (self.origin === 'null' && window.parent !== window) listen();

function listen() {
  addEventListener('message', (event) => event.source === window.parent && take(event.data));
  new ResizeObserver(tellHeight).observe(document.body);
  window.parent.postMessage({ ready: true }, '*');
}

/** A mail, its own pictures by their ids, and whether those of the web are wished for. */
function take({ html, pictures, remote }) {
  const policy = /** @type {any} */ (window).trustedTypes?.createPolicy('mail', { createHTML: (text) => text }); // one mail a page
  const read = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html');
  for (const element of read.querySelectorAll(ACTIVE)) element.remove();
  for (const element of read.querySelectorAll('*')) makeHarmless(element);
  document.body.replaceChildren(...[...read.body.childNodes].map((node) => document.importNode(node, true)));
  for (const image of document.images) showPicture(image, pictures, remote);
  tellHeight();
}

function makeHarmless(element) {
  for (const { name } of [...element.attributes]) if (name.startsWith('on') || name === 'srcset') element.removeAttribute(name);
  if (!element.getAttribute('src')?.startsWith('data:image/')) element.removeAttribute('src');
  if (!element.hasAttribute('href')) return;
  if (!/^(https?:|mailto:|tel:)/i.test(element.getAttribute('href'))) element.removeAttribute('href');
  else element.title ||= element.getAttribute('href');
  element.setAttribute('target', '_blank');
  element.setAttribute('rel', 'noopener noreferrer nofollow');
}

function showPicture(image, pictures, remote) {
  const own = pictures[image.dataset.attachment];
  if (own?.startsWith('data:image/')) image.src = own;
  else if (remote && /^https?:/i.test(image.dataset.src ?? '')) image.src = image.dataset.src;
  image.onload = tellHeight;
}

function tellHeight() {
  window.parent.postMessage({ height: Math.ceil(document.documentElement.getBoundingClientRect().height) + (document.documentElement.scrollWidth > innerWidth ? 16 : 0) }, '*');
}
