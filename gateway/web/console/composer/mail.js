/** What only a mail has: its subject, copies, everybody who takes part; and who will really get it. */
import { h, mount } from '../dom.js';
import { say } from '../timeline/words.js';

/** @type {Record<string, string>} */
const LEFT_OUT = { blocked: 'blocked', opted_out: 'opted out', unverified: 'nobody vouched for' };

/** @type {Record<string, string>} */
const ROLES = { to: 'To', cc: 'Cc', bcc: 'Bcc' };

/**
 * @param {HTMLElement} el @param {{onChange: () => void}} told
 * @returns {{content(): any, fill(saved: any): void, show(way: any): void, clear(): void}}
 */
export function createMailFields(el, { onChange }) {
  const input = (name, type = 'text') => h('input', { name, type, autocomplete: 'off', spellcheck: false, dir: 'auto', oninput: onChange });
  const fields = { subject: input('Subject'), cc: input('Cc'), bcc: input('Bcc') };
  const all = h('input', { type: 'checkbox', onchange: onChange });
  const quote = h('input', { type: 'checkbox', onchange: onChange });
  const line = (name, ...also) => h('div', { class: 'mail-line' }, h('label', { class: 'row grow' }, h('span', { class: 'faint' }, say(name)), fields[name.toLowerCase()]), also);
  const copies = h('div', { hidden: true }, line('Cc'), line('Bcc'));
  const more = h('button', { type: 'button', class: 'link', 'aria-expanded': 'false', onclick: () => open(true) }, say('Cc, Bcc'));
  const who = h('p', { class: 'recipients faint small' });
  const choice = (box, words) => h('label', { class: 'row small' }, box, say(words));
  mount(el, line('Subject', choice(quote, 'Quote'), choice(all, 'Reply to all'), more), copies, who);

  function open(on) {
    copies.hidden = !on;
    more.setAttribute('aria-expanded', String(on));
    if (on) fields.cc.focus();
  }

  return {
    content: () => ({ subject: fields.subject.value.trim() || null, cc: addresses(fields.cc.value), bcc: addresses(fields.bcc.value), reply_all: all.checked, quote: quote.checked }),
    fill(saved) {
      fields.subject.value = saved.subject ?? '';
      fields.cc.value = (saved.cc ?? []).join(', ');
      fields.bcc.value = (saved.bcc ?? []).join(', ');
      all.checked = Boolean(saved.reply_all);
      quote.checked = Boolean(saved.quote);
      copies.hidden = !fields.cc.value && !fields.bcc.value;
    },
    /** @param {any} way of the preview */
    show(way) {
      el.hidden = way?.channel !== 'email';
      if (el.hidden) return;
      fields.subject.placeholder = way.subject ?? '';
      const left = (way.left_out ?? []).map((one) => say('without {address}: {why}', { address: one.address, why: say(LEFT_OUT[one.reason] ?? one.reason) }));
      const others = (way.recipients ?? []).length > 1 || left.length > 0;
      mount(who, others && way.recipients.map((one) => `${say(ROLES[one.role])} ${one.address}`).concat(left).join(' · '));
    },
    clear() {
      this.fill({});
    },
  };
}

/** @param {string} text addresses, whatever stands between them @returns {string[]} */
export function addresses(text) {
  return text.split(/[\s,;]+/).filter(Boolean);
}
