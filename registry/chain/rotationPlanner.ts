import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { CaliberError } from "../../protocol/errors.js";
import type { TitleRotation } from "../../protocol/report/schema.js";
import { allDone } from "./allDone.js";
import { type IntentWork, intentId } from "./intent.js";
import { findKeyChange } from "./intentEffect.js";
import type { RotationWish } from "./registryView.js";
import { revertOf } from "./revertOf.js";
import { rotationMatches } from "./rotationMatches.js";
import { tokensInFlight } from "./tokensInFlight.js";
import { chainNow_s, type Head, type WriterContext } from "./writerContext.js";

export type RotationPlanner = { plan(head: Head): Promise<void> };

/** What the keys of a device were asked for, and when to look again. Lost with the process: then they are asked once more. */
type Ask = { facts: string; rotation: TitleRotation | null; asked: number; next_ms: number };

/** Lets each title follow its device to the next key: reads what the chain names, asks both keys to sign, wants the rotation. */
export function createRotationPlanner(ctx: WriterContext): RotationPlanner {
  const { client, deployment, store, view, settings, problems, now_ms, random } = ctx;
  const token = { address: deployment.token, abi: caliberTokenAbi } as const;
  const asks = new Map<string, Ask>();

  async function plan(head: Head): Promise<void> {
    const wishes = view.rotations();
    const present = new Set(wishes.map(({ device }) => device));
    for (const device of asks.keys()) {
      if (present.has(device)) continue;
      asks.delete(device);
      problems.clear("ROTATION_INVALID", device);
    }
    if (wishes.length === 0) return;
    const underWay = tokensInFlight(store);
    const free = wishes.filter(({ token_id }) => !underWay.has(String(token_id)));
    await allDone(free.filter(isDue).map((wish) => advance(wish, head)));
  }

  /** Reads are not free: due when something about it is new, or when the pause is over. */
  function isDue(wish: RotationWish): boolean {
    const ask = asks.get(wish.device);
    return ask === undefined || ask.facts !== factsOf(wish) || now_ms() >= ask.next_ms;
  }

  async function advance(wish: RotationWish, head: Head): Promise<void> {
    const { device, key, token_id, former } = wish;
    const ask = askOf(wish);
    const title = await readTitle(token_id);
    // A redeemed one is told of when titles are checked.
    if (title === null) return;
    const named = title.deviceKeyHash.slice(2);
    if (named !== key) {
      // Done already, by a writer that was killed or lost its table.
      if ([device, ...former].includes(named)) await recordFound(wish, named, title.evidence.slice(2), head);
      return;
    }
    const [, nonce] = await client.readContract({
      ...token,
      functionName: "tokenOfKey",
      args: [`0x${key}`],
    });
    const now_s = chainNow_s(head, now_ms());
    // The contract takes no claim of silicon for a title that names none.
    const sound = /^0x0+$/.test(title.strongIdentity) ? 1 : 3;
    const wanted: TitleRotation = {
      chain_id: deployment.chain_id,
      contract: deployment.token,
      token_id: String(token_id),
      old_key_hash: `0x${key}`,
      new_key_hash: `0x${device}`,
      evidence: `0x${wish.evidence}`,
      assurance: wish.assurance & sound,
      nonce: String(nonce),
      deadline: String(now_s + Math.floor(settings.consent_ttl_ms / 1000)),
    };
    if (wish.signed !== null && isGood(wish, wanted, now_s)) want(wish, wish.signed);
    else request(ask, device, wanted, now_s);
  }

  async function readTitle(token_id: bigint) {
    try {
      return await client.readContract({ ...token, functionName: "titleOf", args: [token_id] });
    } catch (error) {
      if (revertOf(error) === null) throw error;
      return null;
    }
  }

  function want({ device, key, spki, key_spki }: RotationWish, signed: NonNullable<RotationWish["signed"]>) {
    const { rotation, old_signature, new_signature } = signed;
    const work: IntentWork = {
      kind: "rotate",
      payload: {
        device,
        key,
        rotation,
        old: { spki: key_spki.toString("hex"), signature: old_signature },
        next: { spki: spki.toString("hex"), signature: new_signature },
      },
    };
    const before = store.find(intentId(work));
    const resting = before?.state === "failed" && now_ms() - before.updated_ms < settings.failure_retry_ms;
    if (!resting) store.want(work);
  }

  /** Marks the wish as looked at, with the next look after a growing, jittered pause. */
  function askOf(wish: RotationWish): Ask {
    const facts = factsOf(wish);
    const before = asks.get(wish.device);
    const ask = before ?? { facts, rotation: null, asked: 0, next_ms: 0 };
    ask.facts = facts;
    const pause_ms = Math.min(settings.consent_retry_max_ms, settings.consent_retry_ms * 2 ** ask.asked);
    ask.next_ms = now_ms() + pause_ms * (0.75 + 0.5 * random());
    asks.set(wish.device, ask);
    return ask;
  }

  function request(ask: Ask, device: string, wanted: TitleRotation, now_s: number): void {
    const again = ask.rotation;
    // The same words are asked for again while there is time, so that a late answer still counts.
    const reuse =
      again !== null &&
      (Number(again.deadline) - now_s) * 1000 > settings.consent_ttl_ms / 4 &&
      JSON.stringify({ ...again, deadline: "" }) === JSON.stringify({ ...wanted, deadline: "" });
    ask.rotation = reuse ? again : wanted;
    ask.asked += 1;
    view.requestRotation(device, ask.rotation);
  }

  function isGood(wish: RotationWish, wanted: TitleRotation, now_s: number): boolean {
    try {
      const matches = rotationMatches(wish, wanted, now_s);
      problems.clear("ROTATION_INVALID", wish.device);
      return matches;
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      problems.set("ROTATION_INVALID", wish.device, `${error.code}: ${error.message}`);
      return false;
    }
  }

  async function recordFound(wish: RotationWish, named: string, evidence: string, head: Head): Promise<void> {
    const found = await findKeyChange(ctx, wish.token_id, named);
    if (found === null || head.number - found.block.number < settings.confirmations) return;
    view.record({
      type: "rotated",
      device: named,
      former: wish.key,
      token_id: String(wish.token_id),
      evidence,
      tx: found.tx,
      block: found.block.number,
    });
    problems.clear("TITLE_REDEEMED", wish.device);
    asks.delete(wish.device);
  }

  return { plan };
}

function factsOf({ device, key, evidence, assurance, signed }: RotationWish): string {
  return [device, key, evidence, assurance, signed?.new_signature].join(" ");
}
