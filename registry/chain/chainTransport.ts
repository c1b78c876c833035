import { type HttpTransport, http } from "viem";

/** JSON-RPC over HTTP as the writer wants it: many small reads in one request, and a dead node noticed soon. */
export function chainTransport(url: string): HttpTransport {
  return http(url, { batch: true, retryCount: 1, retryDelay: 100, timeout: 10_000 });
}
