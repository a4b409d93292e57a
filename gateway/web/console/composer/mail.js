/** What only a mail has: its subject, copies, everybody who takes part; and who will really get it. */
import { button, h, mount } from '../dom.js';
import { t } from '../strings.js';

/** @type {Record<string, string>} */
const LEFT_OUT = { blocked: 'blocked', opted_out: 'opted out', unverified: 'nobody vouched for' };
/** @type {Record<string, string>} */
const MAIL_ROLES = { to: 'To', cc: 'Cc', bcc: 'Bcc' };

/**
 * @param {HTMLElement} el @param {{onChange: () => void}} told
 * @returns {{content(): any, fill(saved: any): void, show(way: any): void}}
 */
export function createMailFields(el, { onChange }) {
  const input = () => h('input', { autocomplete: 'off', spellcheck: false, dir: 'auto', oninput: onChange });
  const tick = () => h('input', { type: 'checkbox', onchange: onChange });
  const fields = { subject: input(), cc: input(), bcc: input(), all: tick(), quote: tick() };
  const { open, who } = layOutMail(el, fields);
  return {
    content: () => ({ subject: fields.subject.value.trim() || null, cc: addresses(fields.cc.value), bcc: addresses(fields.bcc.value), reply_all: fields.all.checked, quote: fields.quote.checked }),
    fill({ subject, cc = [], bcc = [], reply_all: all, quote }) {
      fields.subject.value = subject ?? '';
      fields.cc.value = cc.join(', ');
      fields.bcc.value = bcc.join(', ');
      fields.all.checked = Boolean(all);
      fields.quote.checked = Boolean(quote);
      open(cc.length + bcc.length > 0);
    },
    /** @param {any} way of the preview */
    show(way) {
      el.hidden = way?.channel !== 'email';
      fields.subject.placeholder = way?.subject ?? '';
      mount(who, !el.hidden && whoGetsIt(way));
    },
  };
}

function layOutMail(el, { subject, cc, bcc, all, quote }) {
  const line = (name, control, ...more) => h('div', { class: 'mail-line' }, h('label', { class: 'row grow' }, h('span', { class: 'faint' }, t(name)), control), more);
  const choice = (box, words) => h('label', { class: 'row small' }, box, t(words));
  const copies = h('div', { hidden: true }, line('Cc', cc), line('Bcc', bcc));
  const who = h('p', { class: 'recipients faint small' });
  const more = button(t('Cc, Bcc'), () => { open(copies.hidden); if (!copies.hidden) cc.focus(); }, { class: 'link', 'aria-expanded': 'false' });
  const open = (on) => {
    copies.hidden = !on;
    more.setAttribute('aria-expanded', String(on));
  };
  mount(el, line('Subject', subject, choice(quote, 'Quote'), choice(all, 'Reply to all'), more), copies, who);
  return { open, who };
}

/** Everybody, where it is not the contact alone. */
function whoGetsIt({ recipients, left_out: left }) {
  const without = left.map(({ address, reason }) => t('without {address}: {why}', { address, why: t(LEFT_OUT[reason] ?? reason) }));
  return recipients.length + left.length > 1 && [...recipients.map(({ role, address }) => `${t(MAIL_ROLES[role])} ${address}`), ...without].join(' · ');
}

/** @param {string} text addresses, whatever stands between them @returns {string[]} */
export function addresses(text) {
  return text.split(/[\s,;]+/).filter(Boolean);
}
