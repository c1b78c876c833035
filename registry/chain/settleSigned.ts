import { allDone } from "./allDone.js";
import { checkHead } from "./checkHead.js";
import { settleIntent } from "./settleIntent.js";
import type { AccountState, Head, WriterContext } from "./writerContext.js";

/**
 * Books receipts of signed intents. What was overtaken by another transaction with its nonce, or waits behind a
 * nonce that nobody will fill, is `wanted` again. `account` must have been read before this call: a nonce read
 * earlier than a receipt can only be too low.
 *
 * @throws CaliberError CHAIN_MOVED when `account` may not be of the chain that `head` is of
 */
export async function settleSigned(ctx: WriterContext, head: Head, account: AccountState): Promise<void> {
  const { client, store, log } = ctx;
  const signed = store.inState("signed");
  const settled = await allDone(signed.map((intent) => settleIntent(ctx, intent)));
  if (signed.every((_, i) => settled[i])) return;
  await checkHead(client, head);
  for (const [i, intent] of signed.entries()) {
    if (settled[i]) continue;
    if (intent.nonce !== null && intent.nonce < account.nonce) {
      log.warn({ intent: intent.id, nonce: intent.nonce }, "another transaction took the nonce");
      store.unsign(intent.id, `nonce ${intent.nonce} went to another transaction`);
    }
  }
  closeGap(ctx, account);
}

/** Nonces are spent in order, so all that is signed above a missing one would wait for ever. */
function closeGap({ store, log }: WriterContext, account: AccountState): void {
  let filled = account.nonce;
  for (const nonce of store.nonces(account.nonce)) {
    if (nonce === filled) filled = nonce + 1;
  }
  for (const intent of store.inState("signed")) {
    if (intent.nonce === null || intent.nonce < filled) continue;
    log.warn({ intent: intent.id, nonce: intent.nonce, missing: filled }, "a nonce below is missing");
    store.unsign(intent.id, `nonce ${filled} is missing below ${intent.nonce}`);
  }
}
