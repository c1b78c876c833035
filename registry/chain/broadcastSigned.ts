import { BaseError, type Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { callOfSigned } from "./callOfSigned.js";
import { feesFor } from "./feesFor.js";
import type { Intent, SignedTx } from "./intent.js";
import { signIntent } from "./signIntent.js";
import type { AccountState, Head, WriterContext } from "./writerContext.js";

/** What this process has handed to the node since it last had reason to doubt the node's memory, and when. */
export type SentHashes = Map<Hex, number>;

/**
 * Sends what is signed and not known to be with the node, in the order of nonces; replaces what has been there too
 * long, or offers less than a block costs by now, by the same call at a higher price.
 */
export async function broadcastSigned(
  ctx: WriterContext,
  head: Head,
  account: AccountState,
  sent: SentHashes,
): Promise<void> {
  const { store, settings, problems, now_ms } = ctx;
  const signed = store.inState("signed").sort((a, b) => (a.nonce ?? 0) - (b.nonce ?? 0));
  // What has no transaction that counts any more, for whichever reason, has none that would have to be dearer.
  const ids = new Set(signed.map(({ id }) => id));
  for (const { code, subject } of problems.list()) {
    if (code === "CHAIN_FEE_CAP" && subject !== "new" && !ids.has(subject)) problems.clear(code, subject);
  }
  for (const intent of signed) {
    const current = store.txs(intent.id).find(({ nonce }) => nonce === intent.nonce);
    if (current === undefined) {
      throw new CaliberError("INTENT_INCONSISTENT", `${intent.id} is signed without a transaction`, {
        disposition: "internal",
      });
    }
    // Not since it was signed: one that fell out with its block was signed long ago, and is not slow for that.
    const sent_ms = sent.get(current.hash);
    const stuck = sent_ms !== undefined && now_ms() - sent_ms >= settings.stuck_ms;
    // Some nodes refuse what the base fee has passed, and so it would never be there too long.
    const passed = current.max_fee_wei < head.base_fee_wei;
    const tx = stuck || passed ? await replacement(ctx, head, intent, current, sent) : current;
    if (sent.has(tx.hash)) continue;
    // Told by now: it waits for a cheaper block, and all nonces above it wait for it.
    if (tx.max_fee_wei < head.base_fee_wei) return;
    if (!(await send(ctx, account, intent, tx))) return;
    sent.set(tx.hash, now_ms());
  }
}

/** The dearer transaction, or the same one, to be sent once more, where the cap forbids a dearer. */
async function replacement(
  ctx: WriterContext,
  head: Head,
  intent: Intent,
  current: SignedTx,
  sent: SentHashes,
): Promise<SignedTx> {
  const { client, settings, problems, log } = ctx;
  try {
    const fees = feesFor({
      base_fee_wei: head.base_fee_wei,
      tip_wei: await client.estimateMaxPriorityFeePerGas(),
      cap_wei: settings.max_fee_cap_wei,
      replaces: current,
    });
    const tx = await signIntent(ctx, intent, {
      call: callOfSigned(current),
      nonce: current.nonce,
      gas: current.gas,
      fees,
    });
    log.warn({ intent: intent.id, nonce: tx.nonce, tx: tx.hash }, "replaced a stuck transaction");
    problems.clear("CHAIN_FEE_CAP", intent.id);
    return tx;
  } catch (error) {
    const over = CaliberError.find(error, "CHAIN_FEE_CAP");
    if (over === undefined) throw error;
    problems.set("CHAIN_FEE_CAP", intent.id, over.message);
    sent.delete(current.hash);
    return current;
  }
}

/** False when the node will take nothing more from the account now. */
async function send(
  { client, store, problems, log }: WriterContext,
  account: AccountState,
  intent: Intent,
  tx: SignedTx,
): Promise<boolean> {
  try {
    await client.sendRawTransaction({ serializedTransaction: tx.raw });
    problems.clear("WRITER_OUT_OF_FUNDS", account.address);
    return true;
  } catch (error) {
    const text = refusalText(error);
    if (text === null) throw error;
    if (/already known|already imported|known transaction/i.test(text)) return true;
    store.note(intent.id, text);
    log.warn({ intent: intent.id, tx: tx.hash, reason: text }, "the node refused a transaction");
    // Mined already, or the nonce went to another: the next step's receipts tell which. "Underpriced": an earlier
    // transaction of the nonce is with the node, and this one waits to be replaced in its turn.
    if (/nonce too low|underpriced/i.test(text)) return true;
    if (/insufficient funds/i.test(text)) problems.set("WRITER_OUT_OF_FUNDS", account.address, text);
    return false;
  }
}

/** What the node said, or null when it said nothing. */
function refusalText(error: unknown): string | null {
  if (!(error instanceof BaseError)) return null;
  const answered = error.walk((at) => typeof (at as { code?: unknown }).code === "number");
  return answered === null ? null : error.details;
}
