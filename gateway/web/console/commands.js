/** What can be done, once for keys, palette, menus and buttons: `commands.run('close')`. */
import { toastProblem } from './toast.js';

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {string} title as the palette shows it
 * @property {string} [keys] one key or combination, as "r", "shift+u", "mod+enter"; "mod" is Ctrl, on a Mac Cmd
 * @property {string} [icon]
 * @property {string} [group] heading in palette and help
 * @property {() => boolean} [when] whether it can be done now; always, where there is none
 * @property {(argument?: any) => any} run
 * @property {boolean} [hidden] not in the palette
 */

/** @returns {{register: (command: Command) => () => void, run: (id: string, argument?: any) => any, get: (id: string) => Command|undefined, can: (id: string) => boolean, list: () => Command[]}} */
export function createCommands() {
  /** @type {Map<string, Command[]>} */
  const stacks = new Map();
  // The last one registered under an id is the one that runs: an open conversation says what `reply` means.
  const get = (id) => stacks.get(id)?.at(-1);
  const can = (id) => Boolean(get(id)) && (get(id)?.when?.() ?? true);
  return {
    register(command) {
      const stack = stacks.get(command.id) ?? [];
      stacks.set(command.id, stack);
      stack.push(command);
      return () => void (stack.includes(command) && stack.splice(stack.indexOf(command), 1));
    },
    run: (id, argument) => (can(id) ? Promise.resolve(get(id)?.run(argument)).catch(toastProblem) : undefined),
    get,
    can,
    list: () => [...stacks.values()].map((stack) => stack.at(-1)).filter((command) => command !== undefined),
  };
}
