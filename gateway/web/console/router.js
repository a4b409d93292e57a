/** The address is the state: what is listed, what is open. Back, forward, reload and a sent link all give the same page. */
import { queryOf } from './api.js';

const ROOT = '/console';
export const HOME_VIEW = 'open';

/**
 * @typedef {object} Route
 * @property {'inbox'|'settings'|'reset'|'invitation'} page
 * @property {string} view what is listed, where nothing is searched for
 * @property {string} q what is searched for
 * @property {string|null} conversationId
 * @property {string} section of the settings
 */

/** @param {string} path @param {string} search @returns {Route} */
export function readRoute(path, search) {
  const [kind, value] = path.slice(ROOT.length).split('/').filter(Boolean).map(decoded);
  const params = new URLSearchParams(search);
  const route = /** @type {any} */ ({ page: 'inbox', view: params.get('view') || HOME_VIEW, q: params.get('q') ?? '', conversationId: null, section: '' });
  if (kind === 'c') route.conversationId = value ?? null;
  if (kind === 'view') route.view = value || HOME_VIEW;
  if (['settings', 'reset', 'invitation'].includes(kind)) Object.assign(route, { page: kind, section: value ?? '' });
  return route;
}

/** A link that was cut in the middle of a letter is read as it stands. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {Partial<Route>} route */
export function showRoute({ page = 'inbox', view = HOME_VIEW, q = '', conversationId = null, section = '' }) {
  if (page !== 'inbox') return `${ROOT}/${page}${section && `/${section}`}`;
  if (conversationId) return `${ROOT}/c/${conversationId}${queryOf({ view: view === HOME_VIEW || q ? '' : view, q })}`;
  if (q) return `${ROOT}/search${queryOf({ q })}`;
  return view === HOME_VIEW ? ROOT : `${ROOT}/view/${encodeURIComponent(view)}`;
}

/**
 * @param {import('./bus.js').Bus} bus is told `route` with the new one and the one before
 */
export function createRouter(bus) {
  let now = readRoute(location.pathname, location.search);
  const change = () => {
    const before = now;
    now = readRoute(location.pathname, location.search);
    bus.emit('route', { route: now, before });
  };
  addEventListener('popstate', change);
  return {
    /** @returns {Route} */
    route: () => now,
    /** @param {Partial<Route>} route @param {{replace?: boolean}} [how] */
    go(route, { replace = false } = {}) {
      const url = showRoute(route);
      if (url === location.pathname + location.search) return;
      history[replace ? 'replaceState' : 'pushState'](null, '', url);
      change();
    },
    /** Open a conversation beside what is listed. @param {string|null} conversationId */
    open(conversationId, how) {
      this.go({ ...now, page: 'inbox', conversationId }, how);
    },
  };
}
