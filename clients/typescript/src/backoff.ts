// How long to wait before the next try. Pure: the dice are an argument.

export interface Backoff {
  /** The longest first wait; it doubles with each failure. */
  baseMs: number;
  /** The longest wait of all. */
  maxMs: number;
}

export const BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };

/**
 * Milliseconds until the next try after so many failures, counted from 1.
 *
 * Somewhere in the upper half of the doubled wait: clients cut off together do not come back together. What the server
 * asked for (`Retry-After`, in milliseconds) is the least.
 */
export function nextDelay(failures: number, backoff: Backoff, random: number, askedMs = 0): number {
  const longest = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(askedMs, longest / 2 + (longest / 2) * random);
}

/** Milliseconds a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3); 0 where there is none. */
export function retryAfterMs(header: string | null, now: number): number {
  if (!header) return 0;
  const seconds = Number(header);
  const until = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(until) ? Math.max(0, until) : 0;
}

/** Wait, or stop waiting at once when the signal fires; it resolves either way. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}
