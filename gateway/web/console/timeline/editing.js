/** Words that become a field when they are pressed, and are saved by Enter or by going elsewhere. */
import { button, h, icon } from '../dom.js';
import { t } from '../strings.js';

/**
 * @param {any} words @param {{title: string, label: string, value: string, most: number, save: (value: string | null) => void, class: string}} how
 * @returns {any}
 */
export function editable(words, { title, label, value, most, save, class: look }) {
  const shown = h('button', { type: 'button', class: look, title, onclick: edit }, words, icon('edit'));
  function edit() {
    const input = h('input', { value, 'aria-label': label, maxLength: most, dir: 'auto' });
    let open = true;
    const done = (keep) => {
      if (!open) return;
      open = false;
      form.replaceWith(shown);
      shown.focus();
      const now = input.value.trim();
      if (keep && now !== value) save(now || null);
    };
    const form = h('form', {
      class: 'row rename-form',
      onsubmit: (event) => { event.preventDefault(); done(true); },
      onkeydown: (event) => { if (event.key === 'Escape') { event.stopPropagation(); done(false); } },
      onfocusout: ({ relatedTarget }) => { if (!form.contains(relatedTarget)) done(true); },
    }, input, button(t('Save'), () => done(true), { class: 'primary' }));
    shown.replaceWith(form);
    input.select();
  }
  return shown;
}
