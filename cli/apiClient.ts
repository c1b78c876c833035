import { CaliberError } from "../protocol/errors.js";

export type ApiClient = { get(path: string): Promise<unknown> };

/** Reads a registry's API. */
export function apiClient(url: string, token: string): ApiClient {
  return {
    async get(path) {
      let response: Response;
      try {
        response = await fetch(new URL(path, url), {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(10_000),
        });
      } catch (cause) {
        throw new CaliberError("API_UNREACHABLE", `no registry answers at ${url}`, {
          cause,
          disposition: "retryable",
        });
      }
      if (!response.ok) {
        throw new CaliberError("API_REFUSED", `${path}: ${response.status} ${await response.text()}`, {
          disposition: "user",
        });
      }
      return response.json();
    },
  };
}
