/** Drafts that are not in this box yet: of another device, of a colleague, of a bot. */
import { h, icon, mount } from '../dom.js';
import { say } from '../timeline/words.js';

const SHOWN = 3;
const SHOWN_CHARS = 160;

/** @param {HTMLElement} el @param {any} draft @param {{use: () => void, keep: () => void}} on */
export function showClash(el, draft, { use, keep }) {
  const settle = (run) => () => { mount(el); run(); };
  mount(el, card('edit', say('This draft was changed on another device:'), draft.text, button('Use that one', settle(use)), button('Keep mine', settle(keep))));
}

/** @param {HTMLElement} el @param {any[]} drafts @param {(draft: any) => void} use */
export function showProposals(el, drafts, use) {
  mount(el, drafts.slice(-SHOWN).map((draft) => card(draft.author.type === 'bot' ? 'bot' : 'edit', say('Draft by {name}:', { name: draft.author.name ?? say('Somebody') }), draft.text,
    button('Use it', () => { mount(el); use(draft); }))));
}

function card(name, words, text, ...buttons) {
  return h('div', { class: 'collision' }, icon(name), h('p', { class: 'grow' }, h('strong', {}, words), ' ', h('bdi', {}, text.slice(0, SHOWN_CHARS))), buttons);
}

function button(words, onclick) {
  return h('button', { type: 'button', class: 'link', onclick }, say(words));
}
