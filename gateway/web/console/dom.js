/** Building the page: elements by calls, never by markup. Text is text; nothing here can run what a customer wrote. */
import { ICONS } from './icons.js';

/** The picture of the page. */
export const ICON = new URL('icon.svg', import.meta.url).href;
const SVG = 'http://www.w3.org/2000/svg';

/** What stands in an element; lists may be nested. @typedef {Node|string|number|null|undefined|boolean|any[]} Child */

/**
 * An element. Props: `class`, `style` (an object of CSS properties), `on<event>` listeners, `data` (an object), a property
 * the element has (`value`, `checked`, `htmlFor`), or an attribute. `true` is an empty attribute; null and false are none.
 * @param {string} tag
 * @param {Record<string, any>|null} [props]
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) setProp(element, name, value);
  append(element, children);
  return element;
}

/**
 * A line icon that inherits size and colour; decorative, unless a label says what it means.
 * @param {string} name one of ICONS
 * @param {string} [label]
 * @returns {SVGElement}
 */
export function icon(name, label) {
  const svg = document.createElementNS(SVG, 'svg');
  const facts = { viewBox: '0 0 24 24', class: 'icon', 'data-icon': name, focusable: 'false' };
  const spoken = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
  for (const [key, value] of Object.entries({ ...facts, ...spoken })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name] ?? ICONS.dot);
  svg.append(path);
  return svg;
}

/**
 * Replace what is in an element.
 * @param {Element} element
 * @param {...Child} children
 */
export function mount(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * A button with an icon and no words of its own; the label is its name and its tooltip.
 * @param {string} name
 * @param {string} label
 * @param {(event: Event) => void} onclick
 * @param {Record<string, any>} [more]
 */
export function iconButton(name, label, onclick, more) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...more }, icon(name));
}

/**
 * A button with words, and an icon before them where there is one.
 * @param {string} words
 * @param {(event: any) => void} onclick
 * @param {Record<string, any>} [more]
 */
export function button(words, onclick, { icon: name, ...more } = {}) {
  return h('button', { type: 'button', onclick, ...more }, name && icon(name), words);
}

let ids = 0;

/** An id that is unique on the page, for `for`, `aria-controls` and the like. */
export function uid(prefix = 'x') {
  ids += 1;
  return `${prefix}-${ids}`;
}

function setProp(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'style') for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
  else if (name === 'data') Object.assign(element.dataset, value);
  else if (name === 'class') element.className = value;
  else if (name !== 'list' && name !== 'form' && name in element && !name.includes('-')) element[name] = value;
  else element.setAttribute(name, value === true ? '' : String(value));
}

function append(element, children) {
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && typeof child !== 'boolean') element.append(child instanceof Node ? child : String(child));
  }
}
