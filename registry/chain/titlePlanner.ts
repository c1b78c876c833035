import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { CaliberError } from "../../protocol/errors.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import { allDone } from "./allDone.js";
import { consentMatches } from "./consentMatches.js";
import { intentId } from "./intent.js";
import { findNaming } from "./intentEffect.js";
import { refusals } from "./refusals.js";
import type { Consent, TitleCandidate } from "./registryView.js";
import { chainNow_s, type Head, type WriterContext } from "./writerContext.js";

export type TitlePlanner = { plan(head: Head): Promise<void> };

/** What a device was asked, and when to ask again. Lost with the process: then it is asked once more. */
type Ask = {
  facts: string;
  signature: string | null;
  authorization: MintAuthorization | null;
  asked: number;
  next_ms: number;
};

/** What keeps a key or a GPU from ever getting this token. */
const hindrances = ["KEY_RETIRED", "IDENTITY_TAKEN"];
/** The chain has a token for the key, and the node shows no event that gave it. */
const untraced = "TITLE_UNTRACED";

/** The contract's word for none is zero, which nothing is ever bound to. */
const strongWord = ({ strong_identity }: TitleCandidate): `0x${string}` =>
  `0x${strong_identity ?? "00".repeat(32)}`;

/** Brings each candidate to a token: reads what the chain knows of it, asks its device to sign, wants the mint. */
export function createTitlePlanner(ctx: WriterContext): TitlePlanner {
  const { client, deployment, store, view, settings, problems, now_ms, random } = ctx;
  const token = { address: deployment.token, abi: caliberTokenAbi } as const;
  const asks = new Map<string, Ask>();

  async function plan(head: Head): Promise<void> {
    const underWay = new Set<string>();
    for (const intent of store.inState("wanted", "signed", "mined")) {
      if (intent.kind === "mint") underWay.add(intent.payload.device);
    }
    const consents = new Map(view.consents().map((consent) => [consent.device, consent]));
    const candidates = view.candidates();
    const present = new Set(candidates.map(({ device }) => device));
    for (const device of asks.keys()) {
      if (present.has(device)) continue;
      asks.delete(device);
      for (const code of [...hindrances, untraced, "CONSENT_INVALID"]) problems.clear(code, device);
    }
    const free = candidates.filter(
      ({ device, former }) => ![device, ...former].some((key) => underWay.has(key)),
    );
    const due = free.filter((c) => isDue(c, consents));
    await allDone(due.map((candidate) => advance(candidate, consents.get(candidate.device), head)));
  }

  /** Due when its facts or its consent are new, or when the pause is over: reads are not free. */
  function isDue(candidate: TitleCandidate, consents: Map<string, Consent>): boolean {
    const ask = asks.get(candidate.device);
    if (ask === undefined || ask.facts !== factsOf(candidate)) return true;
    const signature = consents.get(candidate.device)?.signature ?? null;
    return signature !== ask.signature || now_ms() >= ask.next_ms;
  }

  async function advance(candidate: TitleCandidate, consent: Consent | undefined, head: Head): Promise<void> {
    const { device } = candidate;
    const weak = `0x${candidate.weak_identity}` as const;
    const strong = strongWord(candidate);
    const keys = [device, ...candidate.former];
    const [slots, weakHolder, strongHolder, predecessor] = await Promise.all([
      Promise.all(
        keys.map((key) => client.readContract({ ...token, functionName: "tokenOfKey", args: [`0x${key}`] })),
      ),
      client.readContract({ ...token, functionName: "tokenOfIdentity", args: [weak] }),
      client.readContract({ ...token, functionName: "tokenOfIdentity", args: [strong] }),
      client.readContract({
        ...token,
        functionName: "predecessorOf",
        args: [strong, weak],
      }),
    ]);
    const holder = weakHolder !== 0n ? weakHolder : strongHolder;
    const ask = askOf(candidate, consent);
    // Or the chain names a key before this one still: the title is to follow from there.
    const named = slots.findIndex(([live]) => live !== 0n);
    if (named !== -1) return recordFound(device, keys[named]!, slots[named]![0], head);
    problems.clear(untraced, device);
    const nonce = slots[0]![1];
    const hindrance =
      nonce > 0n
        ? (["KEY_RETIRED", "the key had a token once and can have no other"] as const)
        : holder !== 0n
          ? (["IDENTITY_TAKEN", `token ${holder} has this GPU's identity`] as const)
          : null;
    for (const code of hindrances) {
      if (code !== hindrance?.[0]) problems.clear(code, device);
    }
    if (hindrance !== null) {
      // The better word on why its mint was refused.
      const refused = store.find(`mint:${device}:${consent?.authorization.nonce}`);
      if (refused !== null) refusals.over(problems, refused);
      return problems.set(hindrance[0], device, hindrance[1]);
    }

    const now_s = chainNow_s(head, now_ms());
    const wanted = authorizationFor(candidate, predecessor, nonce, now_s);
    if (consent !== undefined && isGood(consent, wanted, candidate, now_s)) {
      const payload = {
        device,
        spki: candidate.spki.toString("hex"),
        authorization: consent.authorization,
        signature: consent.signature,
      };
      const before = store.find(intentId({ kind: "mint", payload }));
      const resting = before?.state === "failed" && now_ms() - before.updated_ms < settings.failure_retry_ms;
      if (!resting) store.want({ kind: "mint", payload });
      return;
    }
    request(ask, wanted, device, now_s);
  }

  /** Marks the candidate as looked at, with the next look after a growing, jittered pause. */
  function askOf(candidate: TitleCandidate, consent: Consent | undefined): Ask {
    const facts = factsOf(candidate);
    const signature = consent?.signature ?? null;
    const before = asks.get(candidate.device);
    const ask: Ask =
      before?.facts === facts
        ? { ...before, signature }
        : { facts, signature, authorization: null, asked: 0, next_ms: 0 };
    const pause_ms = Math.min(settings.consent_retry_max_ms, settings.consent_retry_ms * 2 ** ask.asked);
    ask.next_ms = now_ms() + pause_ms * (0.75 + 0.5 * random());
    asks.set(candidate.device, ask);
    return ask;
  }

  function request(ask: Ask, wanted: MintAuthorization, device: string, now_s: number): void {
    // The same words are asked for again while there is time, so that a late answer still counts.
    const again = ask.authorization;
    const left_s = again === null ? 0 : Number(again.deadline) - now_s;
    const reuse =
      again !== null &&
      left_s * 1000 > settings.consent_ttl_ms / 4 &&
      again.predecessor === wanted.predecessor &&
      again.nonce === wanted.nonce;
    ask.authorization = reuse ? again : wanted;
    ask.asked += 1;
    view.requestConsent(device, ask.authorization);
  }

  function isGood(
    consent: Consent,
    wanted: MintAuthorization,
    { device, spki }: TitleCandidate,
    now_s: number,
  ): boolean {
    try {
      const matches = consentMatches(consent, wanted, spki, now_s);
      problems.clear("CONSENT_INVALID", device);
      return matches;
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      problems.set("CONSENT_INVALID", device, `${error.code}: ${error.message}`);
      return false;
    }
  }

  /** The chain has its token and the registry does not know: killed in between, or restored from a backup. */
  async function recordFound(device: string, key: string, token_id: bigint, head: Head): Promise<void> {
    const found = await findNaming(ctx, token_id, key);
    if (found === null) {
      return problems.set(untraced, device, `token ${token_id} names key ${key}, and no event says so`);
    }
    problems.clear(untraced, device);
    if (head.number - found.block.number < settings.confirmations) return;
    const at = { tx: found.tx, block: found.block.number };
    // Another device's on record: this one has stood in for it since.
    const former = found.minted ? null : view.holderOf(token_id);
    if (former === null) {
      const { chain_id, token: contract } = deployment;
      view.record({ type: "minted", device: key, chain_id, contract, token_id: String(token_id), ...at });
    } else {
      const title = await client.readContract({ ...token, functionName: "titleOf", args: [token_id] });
      const evidence = title.evidence.slice(2);
      view.record({ type: "replaced", device: key, former, token_id: String(token_id), evidence, ...at });
      // The key that it left looked like that of a redeemed title.
      problems.clear("TITLE_REDEEMED", former);
    }
    for (const code of hindrances) problems.clear(code, device);
    asks.delete(device);
  }

  function authorizationFor(
    candidate: TitleCandidate,
    predecessor: bigint,
    nonce: bigint,
    now_s: number,
  ): MintAuthorization {
    return {
      chain_id: deployment.chain_id,
      contract: deployment.token,
      recipient: candidate.recipient.toLowerCase(),
      device_key_hash: `0x${candidate.device}`,
      strong_identity: strongWord(candidate),
      weak_identity: `0x${candidate.weak_identity}`,
      evidence: `0x${candidate.evidence}`,
      log_origin: originHash(view.origin),
      header_hash: settings.header_hash,
      assurance: candidate.assurance,
      predecessor: String(predecessor),
      nonce: String(nonce),
      deadline: String(now_s + Math.floor(settings.consent_ttl_ms / 1000)),
    };
  }

  return { plan };
}

function factsOf(candidate: TitleCandidate): string {
  const { recipient, weak_identity, strong_identity, evidence, assurance } = candidate;
  return [recipient, weak_identity, strong_identity, evidence, assurance].join(" ");
}
