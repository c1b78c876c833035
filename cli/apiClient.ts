import { CaliberError } from "../protocol/errors.js";

export type ApiClient = {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
};

/** Asks a registry's API. */
export function apiClient(url: string, token: string): ApiClient {
  async function ask(path: string, timeout_ms: number, init: RequestInit): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(new URL(path, url), {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(timeout_ms),
      });
    } catch (cause) {
      throw new CaliberError("API_UNREACHABLE", `no registry answers at ${url}`, {
        cause,
        disposition: "retryable",
      });
    }
    if (response.ok) return response.json();
    throw new CaliberError("API_REFUSED", `${path}: ${response.status} ${await response.text()}`, {
      disposition: response.status === 503 ? "retryable" : "user",
    });
  }
  return {
    get: (path) => ask(path, 10_000, {}),
    // What is posted has the registry ask the chain.
    post: (path, body) =>
      ask(path, 60_000, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}
