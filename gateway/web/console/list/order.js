/** Where a conversation stands in a list that is ordered by a time. Pure. */

/** Compares conversations as the gateway orders them. @param {string} sort as `-updated_at` */
export function order(sort) {
  const name = sort.replace('-', '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const key = (one) => `${one?.[name] ?? ''} ${one?.id ?? ''}`;
  return (one, other) => (key(one) < key(other) ? -sign : key(one) > key(other) ? sign : 0);
}

/**
 * The ids with this one where it belongs. What belongs behind the last loaded page is left to that page.
 * @param {{ids: string[], hasMore: boolean}} listed @param {string} id
 * @param {{sort: string, get: (id: string) => any}} by
 */
export function place({ ids, hasMore }, id, { sort, get }) {
  const compare = order(sort);
  const others = ids.filter((one) => one !== id);
  const at = others.findIndex((one) => compare(get(id), get(one)) < 0);
  if (at >= 0) return [...others.slice(0, at), id, ...others.slice(at)];
  return hasMore && !ids.includes(id) ? others : [...others, id];
}
