import { BlockNotFoundError, type PublicClient } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { readBlock } from "./readHead.js";
import type { Head } from "./writerContext.js";

/**
 * Makes sure, after reads, that they were of the chain that the round began with. A node that was exchanged in between
 * for an empty one knows no nonce, and estimates gas for calls to addresses where nothing is.
 *
 * @throws CaliberError CHAIN_MOVED: nothing that was read may be acted upon; viem's errors when the node does not answer
 */
export async function checkHead(client: PublicClient, head: Head): Promise<void> {
  const hash = await readBlock(client, head.number).then(
    (block) => block.hash,
    (error: unknown) => {
      if (error instanceof BlockNotFoundError) return null;
      throw error;
    },
  );
  if (hash !== head.hash) {
    throw new CaliberError("CHAIN_MOVED", `block ${head.number} was replaced while it was looked at`, {
      disposition: "retryable",
    });
  }
}
