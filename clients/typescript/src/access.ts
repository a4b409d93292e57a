// Who is asking: an API key, or the cookie of a signed-in agent with the token that guards it against other sites.

import { readProblem } from "./problem.js";

export type Fetch = (request: Request) => Promise<Response>;

export interface ServerOptions {
  /** Where the gateway is, without `/v1`: "https://chat.example.com". In a page of its own origin: `location.origin`. */
  baseUrl: string;
  /** An API key, `sk_...`. Keep keys out of pages that customers can open. */
  apiKey?: string | undefined;
  /** The page's signed-in agent, by cookie, where there is no key. */
  session?: boolean | undefined;
  /** Another `fetch`, for tests and for agents that need one. */
  fetch?: Fetch | undefined;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const CSRF_HEADER = "X-CSRF-Token";
const CSRF_FAILED = 403;

/** Adds to each request what lets it in. */
export class Access {
  private token: Promise<string> | undefined;
  readonly fetch: Fetch;
  readonly origin: string;

  constructor(private readonly options: ServerOptions) {
    this.origin = options.baseUrl.replace(/\/+$/, "");
    this.fetch = options.fetch ?? ((request) => fetch(request));
  }

  /** Ask, with the key or the cookie; a token that has become stale is fetched anew once. */
  async ask(request: Request): Promise<Response> {
    if (!this.options.session || SAFE.has(request.method)) return this.fetch(await this.admit(request));
    const again = request.clone();
    const answer = await this.fetch(await this.admit(request));
    if (answer.status !== CSRF_FAILED || !(await isStaleToken(answer))) return answer;
    this.token = undefined;
    return this.fetch(await this.admit(again));
  }

  private async admit(request: Request): Promise<Request> {
    const admitted = new Request(request, this.options.session ? { credentials: "include" } : {});
    if (this.options.apiKey) admitted.headers.set("Authorization", `Bearer ${this.options.apiKey}`);
    else if (this.options.session && !SAFE.has(request.method)) admitted.headers.set(CSRF_HEADER, await this.csrfToken());
    return admitted;
  }

  private csrfToken(): Promise<string> {
    this.token ??= this.fetchToken().catch((error: unknown) => {
      this.token = undefined;
      throw error;
    });
    return this.token;
  }

  private async fetchToken(): Promise<string> {
    const answer = await this.fetch(new Request(`${this.origin}/v1/session`, { credentials: "include" }));
    if (!answer.ok) throw await readProblem(answer);
    return ((await answer.json()) as { csrf_token: string }).csrf_token;
  }
}

async function isStaleToken(answer: Response): Promise<boolean> {
  return (await readProblem(answer.clone())).code === ("csrf_failed" as string);
}
