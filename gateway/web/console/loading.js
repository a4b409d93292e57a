/** What is not part of the first page: fetched once that stands, or as soon as somebody asks for it. */
import { toastProblem } from './toast.js';

let asked = /** @type {Promise<any>|null} */ (null);

/** The functions of later.js. They are there soon after the start, so that they are offline and after a new release. */
export function loadLater() {
  asked ??= import('./later.js').then(({ later }) => later, (problem) => { asked = null; throw problem; });
  return asked;
}

/** Call one of them once it is there. @param {string} name @param {...any} given */
export const callLater = (name, ...given) => loadLater().then((all) => all[name](...given), toastProblem);

/** Once nothing else is to be done. */
export function loadWhenIdle() {
  const idle = globalThis.requestIdleCallback ?? ((fn) => setTimeout(fn, 1000));
  idle(() => void loadLater().catch(() => undefined));
}
