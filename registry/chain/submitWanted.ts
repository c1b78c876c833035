import type { Address } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { checkHead } from "./checkHead.js";
import { feesFor } from "./feesFor.js";
import type { Intent } from "./intent.js";
import { type IntentCall, intentCall } from "./intentCall.js";
import { intentEffect } from "./intentEffect.js";
import { refusals } from "./refusals.js";
import { type Revert, revertOf } from "./revertOf.js";
import { judgeRevert, settleIntent } from "./settleIntent.js";
import { signIntent } from "./signIntent.js";
import { type AccountState, chainNow_s, type Head, type WriterContext } from "./writerContext.js";

/**
 * Consenters and attestors may be contracts, which burn of the writer's money what they like. An honest post is of 100
 * first transitions and 100 words; with a third more it stays within the 2^24 of EIP-7825.
 */
const gas_cap = 5_000_000n;
const post_gas_cap = 12_000_000n;

/**
 * Gives `wanted` intents a transaction, oldest first, as many as may be under way at once. Each is held against the
 * chain before: what is there already is booked, what would revert never spends a nonce. One that cannot be prepared
 * holds no other up; why it could not is returned.
 */
export async function submitWanted(
  ctx: WriterContext,
  head: Head,
  account: AccountState,
): Promise<unknown[]> {
  const { client, store, settings, problems } = ctx;
  const underWay = store.inState("signed");
  const room = Math.max(0, settings.max_in_flight - underWay.length);
  const wanted = store.inState("wanted").slice(0, room);
  if (wanted.length === 0) return [];

  const prepared = await Promise.allSettled(wanted.map((intent) => prepare(ctx, head, intent)));
  const errors = prepared.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  const tip_wei = await client.estimateMaxPriorityFeePerGas();
  await checkHead(client, head);
  let budget_wei = account.balance_wei;
  for (const { id } of underWay) {
    const [tx] = store.txs(id);
    if (tx !== undefined) budget_wei -= tx.gas * tx.max_fee_wei;
  }
  let nonce = Math.max(account.nonce, (store.nonces(account.nonce).at(-1) ?? -1) + 1);
  for (const [i, intent] of wanted.entries()) {
    const ready = prepared[i];
    if (ready?.status !== "fulfilled" || ready.value === null) continue;
    const { call, gas } = ready.value;
    const fees = feesWithinCap(ctx, head, tip_wei);
    if (fees === null) return errors;
    budget_wei -= gas * fees.max_fee_wei;
    if (budget_wei < 0n) {
      problems.set("WRITER_OUT_OF_FUNDS", account.address, `the account needs ${-budget_wei} wei more`);
      return errors;
    }
    await signIntent(ctx, intent, { call, nonce, gas, fees });
    nonce += 1;
  }
  problems.clear("WRITER_OUT_OF_FUNDS", account.address);
  return errors;
}

/** The intent's call and gas for it; null when it needs no transaction (any more), or waits for attestors. */
async function prepare(
  ctx: WriterContext,
  head: Head,
  intent: Intent,
): Promise<{ call: IntentCall; gas: bigint } | null> {
  const { client, store, deployment, account, quorum, problems, log, now_ms } = ctx;
  if (intent.attempts > 0 && (await settleIntent(ctx, intent))) return null;
  const effect = await intentEffect(ctx, intent);
  if (effect.is === "present") {
    store.mine(intent.id, effect.tx, effect.block);
    return null;
  }
  const overtaken =
    effect.is === "overtaken" ? effect.reason : expiredReason(intent, chainNow_s(head, now_ms()));
  if (overtaken !== null) {
    store.finish(intent.id, "obsolete", overtaken);
    refusals.over(problems, intent);
    log.info({ intent: intent.id, reason: overtaken }, "intent obsolete");
    return null;
  }
  const attested = intent.kind === "post" ? await quorum.signaturesFor(intent.payload) : [];
  if (attested === null) return null;
  try {
    const call = intentCall(deployment, intent, attested);
    const gas = await client.estimateGas({ account: account.address, ...call });
    const most = intent.kind === "post" ? post_gas_cap : gas_cap;
    if (gas > most) {
      const text = `CHAIN_GAS_CAP: the call needs ${gas} gas, and ${most} are the most`;
      return refuse(ctx, intent, { name: "CHAIN_GAS_CAP", text });
    }
    // Mints ahead in the same block make slots warm or cold; a third more covers either.
    return { call, gas: (gas * 4n) / 3n };
  } catch (error) {
    const revert = revertOf(error);
    if (revert === null) throw error;
    if (revert.name === "AttestorSignatureInvalid" && quorum.reject(revert.args?.[0] as Address)) return null;
    return refuse(ctx, intent, revert);
  }
}

function refuse({ store, problems, log }: WriterContext, intent: Intent, revert: Revert): null {
  const state = judgeRevert(revert);
  store.finish(intent.id, state, revert.text);
  if (state === "failed") refusals.tell(problems, intent, revert.text);
  else refusals.over(problems, intent);
  log.warn({ intent: intent.id, reason: revert.text }, `intent ${state}`);
  return null;
}

/** Why the intent has waited too long to be of use; it is planned anew from what holds now. */
function expiredReason(intent: Intent, now_s: number): string | null {
  const deadline = deadlineOf(intent);
  if (deadline !== null && BigInt(deadline) <= BigInt(now_s)) return "the device's signature has expired";
  if (intent.kind === "post" && intent.payload.fleet_until_s <= now_s) {
    return "the post would count for nothing any more";
  }
  return null;
}

/** Of what a device has signed for the intent, Unix seconds; null where none signs. */
function deadlineOf(intent: Intent): string | null {
  if (intent.kind === "mint") return intent.payload.authorization.deadline;
  if (intent.kind === "replace") return intent.payload.replacement.deadline;
  return intent.kind === "rotate" ? intent.payload.rotation.deadline : null;
}

function feesWithinCap({ settings, problems }: WriterContext, head: Head, tip_wei: bigint) {
  try {
    const fees = feesFor({
      base_fee_wei: head.base_fee_wei,
      tip_wei,
      cap_wei: settings.max_fee_cap_wei,
      replaces: null,
    });
    problems.clear("CHAIN_FEE_CAP", "new");
    return fees;
  } catch (error) {
    const over = CaliberError.find(error, "CHAIN_FEE_CAP");
    if (over === undefined) throw error;
    problems.set("CHAIN_FEE_CAP", "new", over.message);
    return null;
  }
}
