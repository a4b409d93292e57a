/** Fetching what is not part of the first page. */

let asked = /** @type {Promise<typeof import('./later.js').later>|null} */ (null);

/** What is asked for by a person; fetched soon after the start, so that it is there offline and after a new release. */
export function loadLater() {
  asked ??= Promise.all([import('./later.js'), loadStyle('later.css')]).then(([module]) => module.later, (problem) => { asked = null; throw problem; });
  return asked;
}

/** @returns {Promise<typeof import('./context/context.js')>} the details beside a conversation */
export const loadContext = () => Promise.all([import('./context/context.js'), loadStyle('context/context.css')]).then(([module]) => module);

/** @type {Map<string, Promise<unknown>>} */
const styles = new Map();

/** A style sheet, there once it is read; without it the page is plain, and works. @param {string} path */
function loadStyle(path) {
  if (!styles.has(path)) {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: new URL(path, import.meta.url).href });
    styles.set(path, new Promise((resolve) => { link.onload = link.onerror = resolve; }));
    document.head.append(link);
  }
  return styles.get(path);
}

/** Once nothing else is to be done. */
export function loadWhenIdle() {
  const idle = globalThis.requestIdleCallback ?? ((fn) => setTimeout(fn, 1000));
  idle(() => void Promise.allSettled([loadLater(), loadContext()]));
}
