import type { Transport } from "viem";
import { CaliberError } from "../../protocol/errors.js";

/**
 * A transport whose requests all reject once the signal aborts, so that nobody waits for a dead node to stop.
 *
 * @throws CaliberError CHAIN_WRITER_STOPPED from every request after the abort
 */
export function abortableTransport<T extends Transport>(inner: T, signal: AbortSignal): Transport {
  return (options) => {
    const transport = inner(options);
    const request: typeof transport.request = (args, requestOptions) => {
      const stopped = () => new CaliberError("CHAIN_WRITER_STOPPED", "the chain writer is stopping");
      if (signal.aborted) return Promise.reject(stopped());
      return new Promise((resolve, reject) => {
        const onAbort = () => reject(stopped());
        signal.addEventListener("abort", onAbort, { once: true });
        transport
          .request(args, requestOptions)
          .finally(() => signal.removeEventListener("abort", onAbort))
          .then((value) => resolve(value as never), reject);
      });
    };
    return { ...transport, request };
  };
}
