/** The keyboard map. Keys of one character act only outside of fields, and all can be switched off (WCAG 2.1.4). */

const MOVES = new Set(['j', 'k']);

/**
 * @param {{commands: ReturnType<typeof import('./commands.js').createCommands>, prefs: import('./prefs.js').Prefs}} parts
 */
export function listenForKeys({ commands, prefs }) {
  addEventListener('keydown', (event) => {
    // With Alt, keys write signs; held down, they move through a list and change nothing.
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const pressed = readKeys(event);
    const plain = !pressed.startsWith('mod+');
    if (plain && (!prefs.get('keys') || isField(event.target))) return;
    if (document.querySelector('dialog[open]') || (event.repeat && !MOVES.has(pressed))) return;
    if (pressed === 'enter' && event.target instanceof Element && event.target.closest('button, a, summary')) return;
    const command = commands.list().find((one) => one.keys === pressed && commands.can(one.id));
    if (!command) return;
    event.preventDefault();
    commands.run(command.id);
  });
}

/** @param {KeyboardEvent} event @returns {string} as commands name it: "mod+k", "shift+u", "?" */
export function readKeys(event) {
  const key = event.key.toLowerCase();
  // A sign that needs Shift on some keyboards is meant as the sign.
  const letter = /^[a-z]$/.test(key) || key.length > 1;
  return [(event.ctrlKey || event.metaKey) && 'mod', event.shiftKey && letter && 'shift', key].filter(Boolean).join('+');
}

/** @param {EventTarget|null} target */
export function isField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
