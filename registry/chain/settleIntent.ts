import { BaseError, RpcError, RpcRequestError, type TransactionReceipt } from "viem";
import { callOfSigned } from "./callOfSigned.js";
import type { Intent } from "./intent.js";
import { intentEffect } from "./intentEffect.js";
import { receiptOf } from "./receiptOf.js";
import { refusals } from "./refusals.js";
import { type Revert, revertOf } from "./revertOf.js";
import type { WriterContext } from "./writerContext.js";

type Ports = Pick<WriterContext, "client" | "store" | "deployment" | "account" | "problems" | "log">;

/** Reverts that mean "the chain has moved on", after which the same work is planned anew from fresh facts. */
const overtakenBy = new Set([
  "AuthorizationExpired",
  "ERC721NonexistentToken",
  "EpochNotGrowing",
  "FingerprintMismatch",
  "KeyNotOfTitle",
  "KeyRetired",
  "NonceMismatch",
  "PredecessorMismatch",
  "SizeNotGrowing",
]);

/**
 * Looks for a receipt of any transaction that was ever signed for the intent and books what it says. True when one
 * was found.
 */
export async function settleIntent(ports: Ports, intent: Intent): Promise<boolean> {
  const { client, store } = ports;
  for (const { hash, nonce } of store.txs(intent.id)) {
    const receipt = await receiptOf(client, hash);
    if (receipt === null) continue;
    // A revert under a nonce given up says nothing about the transaction that counts now.
    if (receipt.status !== "success" && nonce !== intent.nonce) continue;
    await book(ports, intent, receipt);
    return true;
  }
  return false;
}

/** Why the chain refuses an intent: `obsolete` when it has moved past it, else `failed`. */
export function judgeRevert(revert: Revert): "failed" | "obsolete" {
  return overtakenBy.has(revert.name) ? "obsolete" : "failed";
}

async function book(ports: Ports, intent: Intent, receipt: TransactionReceipt): Promise<void> {
  const { store, problems, log } = ports;
  const block = { number: Number(receipt.blockNumber), hash: receipt.blockHash };
  if (receipt.status === "success") {
    store.mine(intent.id, receipt.transactionHash, block);
    return;
  }
  // An earlier transaction of ours, or of a writer killed since, may have been faster.
  const effect = await intentEffect(ports, intent);
  if (effect.is === "present") {
    store.mine(intent.id, effect.tx, effect.block);
    return;
  }
  let state: "failed" | "obsolete" = "obsolete";
  let reason: string;
  if (effect.is === "overtaken") {
    reason = effect.reason;
  } else {
    const revert = await revertReason(ports, intent, receipt);
    state = judgeRevert(revert);
    reason = revert.text;
  }
  store.revert(intent.id, state, reason, receipt.transactionHash, block);
  if (state === "failed") refusals.tell(problems, intent, reason);
  else refusals.over(problems, intent);
  log.warn({ intent: intent.id, tx: receipt.transactionHash, reason }, `intent ${state}`);
}

/** A receipt carries no reason: the same call on the block's state shows it, unless gas was what ran out. */
async function revertReason(ports: Ports, intent: Intent, receipt: TransactionReceipt): Promise<Revert> {
  const { client, store, account } = ports;
  const tx = store.txs(intent.id).find(({ hash }) => hash === receipt.transactionHash);
  if (tx === undefined) throw new Error(`${intent.id} has lost the transaction that its receipt is of`);
  try {
    await client.call({
      account: account.address,
      ...callOfSigned(tx),
      blockNumber: receipt.blockNumber,
    });
  } catch (error) {
    const revert = revertOf(error);
    if (revert !== null) return revert;
    // Nodes keep the state of so many blocks: one that no longer has this one's will never tell.
    if (!isNodesAnswer(error)) throw error;
  }
  return { name: "unknown", text: `reverted after ${receipt.gasUsed} gas` };
}

function isNodesAnswer(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  return error.walk((at) => at instanceof RpcRequestError || at instanceof RpcError) !== null;
}
