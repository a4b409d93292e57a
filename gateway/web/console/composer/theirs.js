/** Drafts that are not in this box yet: of another device, of a colleague, of a bot. */
import { button, h, icon, mount } from '../dom.js';
import { t } from '../strings.js';

const DRAFTS_SHOWN = 3;
const SHOWN_CHARS = 160;

/** @param {HTMLElement} el @param {any} draft @param {{use: () => void, keep: () => void}} on */
export function showClash(el, draft, { use, keep }) {
  const settle = (run) => () => { mount(el); run(); };
  mount(el, draftCard('edit', t('This draft was changed on another device:'), draft, { 'Use that one': settle(use), 'Keep mine': settle(keep) }));
}

/** What colleagues are writing can be taken over; what a bot proposes is sent, changed or discarded. @param {HTMLElement} el @param {any[]} drafts @param {Record<'send' | 'use' | 'discard', (draft: any) => void>} on */
export function showProposals(el, drafts, { send, use, discard }) {
  mount(el, drafts.slice(-DRAFTS_SHOWN).map((draft) => {
    const bot = draft.author.type === 'bot';
    const name = draft.author.name ?? t('Somebody');
    const act = (run) => () => run(draft);
    return draftCard(bot ? 'bot' : 'edit', t(bot ? '{name} proposes:' : 'Draft by {name}:', { name }), draft, bot ? { Send: act(send), Edit: act(use), Discard: act(discard) } : { 'Use it': act(use) });
  }));
}

function draftCard(name, words, { text }, ways) {
  const short = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
  return h('div', { class: 'collision' }, icon(name), h('p', { class: 'grow' }, h('strong', {}, words), ' ', h('bdi', {}, short)),
    Object.entries(ways).map(([label, run]) => button(t(label), run, { class: 'link' })));
}
