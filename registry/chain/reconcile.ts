import type { Intent } from "./intent.js";
import { readBlock } from "./readHead.js";
import type { Head, WriterContext } from "./writerContext.js";

/**
 * Below this many blocks under the head, one canonical block vouches for all older ones. Above it a round that a
 * reorganisation cut through may have left intents of both branches.
 */
const mixed_blocks = 64;

/**
 * Holds the intent table against the chain: at start, after a reorganisation, after the chain came back older.
 * Intents whose block is gone become `signed` again with the same transaction, all in one commit: half of them
 * would hide the others from the next look.
 */
export async function reconcile(
  { client, store, log }: Pick<WriterContext, "client" | "store" | "log">,
  head: Head,
): Promise<void> {
  const gone: Intent[] = [];
  for (const block of store.blocks()) {
    const canonical =
      block.number <= head.number && (await readBlock(client, block.number)).hash === block.hash;
    if (!canonical) gone.push(...store.inBlock(block));
    else if (head.number - block.number > mixed_blocks) break;
  }
  if (gone.length === 0) return;
  log.warn({ intents: gone.map(({ id }) => id) }, "blocks that intents rest on are gone");
  store.unmine(gone.map(({ id }) => id));
}
