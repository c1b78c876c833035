import { createPublicClient, type PublicClient, type Transport } from "viem";

/**
 * A viem client that never answers from its own memory: reorganisations and restarts are found by asking again.
 */
export function chainClient(transport: Transport): PublicClient {
  return createPublicClient({ transport, cacheTime: 0 });
}
