// What the API says when it refuses: RFC 9457 problems, as errors that can be thrown and told apart by their code.

import type { components } from "./types.js";
import { retryAfterMs } from "./backoff.js";

export type ProblemBody = components["schemas"]["Problem"];
export type ProblemCode = ProblemBody["code"];
export type FieldError = ProblemBody["errors"][number];

const MEDIA_TYPE = "application/problem+json";

/** A refusal. `code` is for programs and never changes its meaning; `detail` and `hint` are for people. */
export class SwitchboardProblem extends Error {
  override readonly name = "SwitchboardProblem";
  readonly status: number;
  /** A `ProblemCode`, or `unknown` for what was no problem of ours: a proxy's page, say. */
  readonly code: ProblemCode | "unknown";
  readonly title: string;
  readonly detail: string;
  readonly hint: string | null;
  /** The fields that are wrong, by JSON pointer. */
  readonly errors: FieldError[];
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** What `Retry-After` asked for, in milliseconds; 0 where it was not there. */
  readonly retryAfterMs: number;
  /** The id to name when asking for help. */
  readonly requestId: string | null;

  constructor(response: Pick<Response, "status" | "headers">, body: Partial<ProblemBody>) {
    super(body.detail ?? body.title ?? `the API answered ${response.status}`);
    this.status = response.status;
    this.code = body.code ?? "unknown";
    this.title = body.title ?? "Unknown";
    this.detail = body.detail ?? this.message;
    this.hint = body.hint ?? null;
    this.errors = body.errors ?? [];
    this.retryable = body.retryable ?? (response.status === 429 || response.status >= 500);
    this.retryAfterMs = retryAfterMs(response.headers.get("retry-after"), Date.now());
    this.requestId = body.request_id ?? response.headers.get("x-request-id");
  }
}

/** The problem in an answer that is no success. */
export async function readProblem(response: Response): Promise<SwitchboardProblem> {
  const ours = response.headers.get("content-type")?.startsWith(MEDIA_TYPE) ?? false;
  const body = ours ? ((await response.json().catch(() => ({}))) as Partial<ProblemBody>) : {};
  return new SwitchboardProblem(response, body);
}
