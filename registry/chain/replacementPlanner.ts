import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { CaliberError } from "../../protocol/errors.js";
import { originHash } from "../../protocol/log/originHash.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import type { ReplacementProblem } from "../replacement/replacementOrders.js";
import { allDone } from "./allDone.js";
import { type IntentWork, intentId } from "./intent.js";
import { findKeyChange } from "./intentEffect.js";
import type { ReplacementWish } from "./registryView.js";
import { revertOf } from "./revertOf.js";
import { tokensInFlight } from "./tokensInFlight.js";
import { chainNow_s, type Head, type WriterContext } from "./writerContext.js";

export type ReplacementPlanner = { plan(head: Head): Promise<void> };

/** A wallet signs after the device, and people must have time for it. */
const ttl_s = 6 * 24 * 3600;
/** Seconds that the signatures must still be good for, so that the transaction can be mined. */
const margin_s = 120;

/**
 * Carries out orders that a device stand in behind a title: asks it to sign, tells who must consent to what, and wants the
 * replacement once that is given. All that must last is in the order and in the device's report.
 */
export function createReplacementPlanner(ctx: WriterContext): ReplacementPlanner {
  const { client, deployment, store, view, settings, problems, now_ms, random } = ctx;
  const token = { address: deployment.token, abi: caliberTokenAbi } as const;
  /** How often each was looked at with these facts, and when it is next. Lost with the process: then once more. */
  const looks = new Map<bigint, { facts: string; looked: number; next_ms: number }>();

  async function plan(head: Head): Promise<void> {
    const wishes = view.replacements();
    const present = new Set(wishes.map(({ token_id }) => token_id));
    for (const token_id of looks.keys()) if (!present.has(token_id)) looks.delete(token_id);
    if (wishes.length === 0) return;
    const underWay = tokensInFlight(store);
    const due = wishes.filter((wish) => !underWay.has(String(wish.token_id)) && isDue(wish));
    await allDone(due.map((wish) => advance(wish, head)));
  }

  /** Due when something about it is new, as when its host has started anew; else after a growing, jittered pause. */
  function isDue(wish: ReplacementWish): boolean {
    const facts = JSON.stringify({ ...wish, token_id: String(wish.token_id), spki: null });
    const before = looks.get(wish.token_id);
    const again = before?.facts === facts ? before : null;
    if (again !== null && now_ms() < again.next_ms) return false;
    const looked = again === null ? 0 : again.looked + 1;
    const pause_ms = Math.min(settings.consent_retry_max_ms, settings.consent_retry_ms * 2 ** looked);
    looks.set(wish.token_id, { facts, looked, next_ms: now_ms() + pause_ms * (0.75 + 0.5 * random()) });
    return true;
  }

  async function advance(wish: ReplacementWish, head: Head): Promise<void> {
    const { token_id, device } = wish;
    const facts = await readFacts(wish);
    // It may pass, and what was signed is good then: a consenter is not asked twice for the same.
    const hinder = (problem: ReplacementProblem) => view.tellReplacement(token_id, { problem });
    if (facts === null) {
      return hinder({ code: "TOKEN_NOT_ON_CHAIN", text: `token ${token_id} is not on chain` });
    }
    const { title, own, taken, consenter, by_contract } = facts;
    const tell = (problem: ReplacementProblem | null, asked: TitleReplacement | null) =>
      view.tellReplacement(token_id, { asked, consenter, by_contract, problem });
    const named = title.deviceKeyHash.slice(2);
    if (named === device) return recordFound(wish, title.evidence.slice(2), head);
    const hindrance = hindranceOf(own, taken);
    if (hindrance !== null) return hinder(hindrance);

    const now_s = chainNow_s(head, now_ms());
    const wanted = wantedOf(wish, facts, now_s);
    const { signed } = wish;
    if (signed === null || !isGood(signed, wish, wanted, now_s)) {
      view.requestReplacement(device, wanted);
      return tell(null, null);
    }
    const { replacement, signature } = signed;
    if (wish.consent === null) return tell(null, replacement);
    const work: IntentWork = {
      kind: "replace",
      payload: {
        device,
        former: wish.former,
        key: named,
        replacement,
        spki: wish.spki.toString("hex"),
        signature,
        consent: wish.consent,
      },
    };
    const before = store.find(intentId(work));
    // The chain has refused just this: another consent is a new try.
    const refused =
      before?.state === "failed" && JSON.stringify(before.payload) === JSON.stringify(work.payload);
    tell(refused ? refusalOf(before.last_error ?? "no reason given") : null, replacement);
    if (refused && now_ms() - before.updated_ms < settings.failure_retry_ms) return;
    // While the chain was read the order may have been cancelled, or another may have been asked to consent.
    const stands = view
      .replacements()
      .some((now) => now.token_id === token_id && now.consent === wish.consent);
    if (stands) store.want(work);
  }

  async function readFacts({ token_id, device, weak_identity, strong_identity }: ReplacementWish) {
    const weak = `0x${weak_identity}` as const;
    const strong = wordOf(strong_identity);
    try {
      const [title, fingerprint, consenter, [live, nonce], weakHolder, strongHolder, predecessor] =
        await Promise.all([
          client.readContract({ ...token, functionName: "titleOf", args: [token_id] }),
          client.readContract({ ...token, functionName: "getStateFingerprint", args: [token_id] }),
          client.readContract({ ...token, functionName: "consenterOf", args: [token_id] }),
          client.readContract({ ...token, functionName: "tokenOfKey", args: [`0x${device}`] }),
          client.readContract({ ...token, functionName: "tokenOfIdentity", args: [weak] }),
          client.readContract({ ...token, functionName: "tokenOfIdentity", args: [strong] }),
          client.readContract({ ...token, functionName: "predecessorOf", args: [strong, weak] }),
        ]);
      const by_contract = (await client.getCode({ address: consenter })) !== undefined;
      // The title's own identities are freed before the new ones are bound.
      const taken = [weakHolder, strongHolder].find((holder) => holder !== 0n && holder !== token_id) ?? 0n;
      return { title, fingerprint, consenter, by_contract, own: { live, nonce }, taken, predecessor };
    } catch (error) {
      if (revertOf(error) === null) throw error;
      return null;
    }
  }

  function wantedOf(
    wish: ReplacementWish,
    facts: NonNullable<Awaited<ReturnType<typeof readFacts>>>,
    now_s: number,
  ): TitleReplacement {
    return {
      chain_id: deployment.chain_id,
      contract: deployment.token,
      token_id: String(wish.token_id),
      fingerprint: facts.fingerprint,
      device_key_hash: `0x${wish.device}`,
      strong_identity: wordOf(wish.strong_identity),
      weak_identity: `0x${wish.weak_identity}`,
      evidence: `0x${wish.evidence}`,
      log_origin: originHash(view.origin),
      // Terms and custody stay as they were: this is other hardware, and nothing else.
      header_hash: facts.title.headerHash,
      assurance: wish.assurance,
      predecessor: String(facts.predecessor),
      nonce: String(facts.own.nonce),
      deadline: String(now_s + ttl_s),
    };
  }

  /** Of the device's answer: the borrower controls every member, and only what would be asked for now counts. */
  function isGood(
    { replacement, signature }: NonNullable<ReplacementWish["signed"]>,
    { spki }: ReplacementWish,
    wanted: TitleReplacement,
    now_s: number,
  ): boolean {
    const { deadline, ...given } = replacement;
    const { deadline: furthest, ...expected } = wanted;
    const names = Object.keys(expected) as (keyof typeof expected)[];
    if (names.some((name) => given[name] !== expected[name])) return false;
    if (BigInt(deadline) < BigInt(now_s + margin_s) || BigInt(deadline) > BigInt(furthest)) return false;
    try {
      verifyEs256(
        titleReplacementMessage(replacement),
        Buffer.from(signature, "hex"),
        publicKeyFromSpki(spki),
      );
      return true;
    } catch (error) {
      // Not the device's own signature: it is asked again.
      if (!(error instanceof CaliberError)) throw error;
      ctx.log.warn(
        { token_id: replacement.token_id, code: error.code },
        "a stand-in's signature is not good",
      );
      return false;
    }
  }

  /** Done already, by a writer that was killed or lost its table. */
  async function recordFound(
    { token_id, device, former }: ReplacementWish,
    evidence: string,
    head: Head,
  ): Promise<void> {
    const found = await findKeyChange(ctx, token_id, device);
    if (found === null || head.number - found.block.number < settings.confirmations) return;
    view.record({
      type: "replaced",
      device,
      former,
      token_id: String(token_id),
      evidence,
      tx: found.tx,
      block: found.block.number,
    });
    // The key that it left looked like that of a redeemed title.
    problems.clear("TITLE_REDEEMED", former);
  }

  return { plan };
}

/** What keeps this device's key, or its GPU, from ever standing in. */
function hindranceOf(own: { live: bigint; nonce: bigint }, taken: bigint): ReplacementProblem | null {
  if (own.live !== 0n) {
    return { code: "DEVICE_TITLED", text: `the device has token ${own.live} of its own on chain` };
  }
  if (own.nonce !== 0n) {
    return {
      code: "KEY_RETIRED",
      text: "the device's key had a token once and can have no other: rotate it",
    };
  }
  return taken === 0n ? null : { code: "IDENTITY_TAKEN", text: `token ${taken} has this GPU's identity` };
}

function refusalOf(reason: string): ReplacementProblem {
  return reason.startsWith("ConsentInvalid")
    ? { code: "CONSENT_INVALID", text: `the chain does not take the consent: ${reason}` }
    : { code: "CHAIN_REFUSES", text: `the chain refuses the replacement: ${reason}` };
}

/** The contract's word for none is zero, which nothing is ever bound to. */
function wordOf(strong_identity: string | null): `0x${string}` {
  return `0x${strong_identity ?? "00".repeat(32)}`;
}
