import { healthCauses } from "../../protocol/health/healthCause.js";
import { healthStates } from "../../protocol/health/healthState.js";
import { fleetRoot } from "./fleetRoot.js";
import type { HealthLeaf, PostPayload } from "./intent.js";
import { livenessWords, pageOf } from "./livenessWords.js";
import type { TokenHealth } from "./registryView.js";

export type PostInputs = {
  tokens: readonly TokenHealth[];
  /** What the chain has on record, by token; null for a token without a record. */
  recorded: ReadonlyMap<bigint, HealthLeaf | null>;
  /** Until when the liveness bitmap vouches for what is on record, in Unix seconds; by token, where it does. */
  alive_until_s: ReadonlyMap<bigint, number>;
  /** The last epoch on chain; 0 when there was none. */
  last_epoch: number;
  /** Time since the last post. */
  idle_ms: number;
  now_s: number;
  epoch_ms: number;
  token_valid_ms: number;
  max_transitions: number;
};

export type PostPlan = {
  /** Null when nothing has to be posted now. */
  post: PostPayload | null;
  /** Tokens whose record on chain contradicts the registry: nothing is posted or extended for them. */
  conflicts: { token_id: bigint; text: string }[];
};

/**
 * What to post: all tokens whose sequence is past the chain's, together with those whose record runs out, or an
 * empty heartbeat once half an epoch has gone by. Many records that run out are extended by liveness words, one for
 * each 224 tokens; few by a leaf each. More than `max_transitions` of either wait for the next post, changes before
 * extensions.
 */
export function planPost(inputs: PostInputs): PostPlan {
  const { last_epoch, now_s, epoch_ms, token_valid_ms, max_transitions } = inputs;
  const valid_s = Math.floor(token_valid_ms / 1000);
  const tokens = [...inputs.tokens].sort((a, b) => (a.token_id < b.token_id ? -1 : 1));
  const leaves = tokens.map((token) => {
    const leaf = leafOf(token, now_s + valid_s);
    const recorded = inputs.recorded.get(token.token_id);
    // At the same sequence the contract lets nothing else change, nor may a leaf be proven that says otherwise.
    if (recorded?.sequence !== leaf.sequence) return leaf;
    return { ...leaf, assured_until_s: recorded.assured_until_s };
  });

  const changed: HealthLeaf[] = [];
  const extended: HealthLeaf[] = [];
  /** Tokens of which the chain says what the registry says. */
  const standing: bigint[] = [];
  const conflicts: PostPlan["conflicts"] = [];
  for (const [i, leaf] of leaves.entries()) {
    const recorded = inputs.recorded.get(tokens[i]!.token_id) ?? null;
    if (leaf.sequence > (recorded?.sequence ?? 0)) {
      changed.push(leaf);
      continue;
    }
    const text = recorded === null ? "the sequence does not start at 1" : conflictOf(leaf, recorded);
    if (text !== null) {
      conflicts.push({ token_id: tokens[i]!.token_id, text });
    } else if (recorded !== null) {
      const { token_id } = tokens[i]!;
      standing.push(token_id);
      const until_s = Math.max(recorded.valid_until_s, inputs.alive_until_s.get(token_id) ?? 0);
      if (until_s - now_s < valid_s / 4) extended.push(leaf);
    }
  }
  const pages = new Set(extended.map(({ token_id }) => pageOf(BigInt(token_id))));
  // The first word of a post costs a slot more than a leaf, which a third leaf is worth.
  const isWordsCheaper = 2 * pages.size < extended.length;
  const words = isWordsCheaper ? livenessWords(standing, pages).slice(0, max_transitions) : [];
  const transitions = [...changed, ...(isWordsCheaper ? [] : extended)].slice(0, max_transitions);
  const epoch_s = Math.max(1, Math.floor(epoch_ms / 1000));
  const heartbeat = leaves.length > 0 && inputs.idle_ms >= epoch_ms / 2;
  if (transitions.length === 0 && words.length === 0 && !heartbeat) return { post: null, conflicts };
  return {
    post: {
      epoch: Math.max(Math.floor(now_s / epoch_s), last_epoch + 1),
      fleet_root: fleetRoot(leaves),
      fleet_size: leaves.length,
      fleet_until_s: now_s + 3 * epoch_s,
      transitions,
      ...(words.length > 0 && { liveness: { words, until_s: now_s + valid_s } }),
    },
    conflicts,
  };
}

function leafOf(token: TokenHealth, valid_until_s: number): HealthLeaf {
  return {
    token_id: String(token.token_id),
    sequence: token.sequence,
    // CaliberHealth has no word for a device that is retired, and would refuse the number.
    state: healthStates[token.state === "retired" ? "stale" : token.state],
    cause: healthCauses[token.cause],
    since_s: Math.floor(token.since_ms / 1000),
    valid_until_s,
    assured_until_s: token.assured_until_ms === null ? 0 : Math.floor(token.assured_until_ms / 1000),
    evidence_hash: `0x${token.evidence_hash}`,
  };
}

function conflictOf(leaf: HealthLeaf, recorded: HealthLeaf): string | null {
  if (leaf.sequence < recorded.sequence) {
    return `the chain is at sequence ${recorded.sequence}, the registry at ${leaf.sequence}`;
  }
  const same =
    leaf.state === recorded.state &&
    leaf.cause === recorded.cause &&
    leaf.since_s === recorded.since_s &&
    leaf.evidence_hash === recorded.evidence_hash;
  return same ? null : `the chain tells another story at sequence ${leaf.sequence}`;
}
