import { describe, expect, it } from "vitest";
import { fleetRoot } from "./fleetRoot.js";
import type { HealthLeaf } from "./intent.js";
import { type PostInputs, planPost } from "./planPost.js";
import type { TokenHealth } from "./registryView.js";

const hour_ms = 3_600_000;
const now_s = 1_800_000_000;
const valid_s = 26 * 3_600;

const token = (id: bigint, over: Partial<TokenHealth> = {}): TokenHealth => ({
  device: `${id}`,
  key: `${id}`,
  token_id: id,
  sequence: 1,
  state: "healthy",
  cause: "none",
  since_ms: 1_700_000_000_999,
  evidence_hash: "ab".repeat(32),
  assured_until_ms: null,
  ...over,
});
const leaf = (id: bigint, over: Partial<HealthLeaf> = {}): HealthLeaf => ({
  token_id: `${id}`,
  sequence: 1,
  state: 1,
  cause: 0,
  since_s: 1_700_000_000,
  valid_until_s: now_s + valid_s,
  assured_until_s: 0,
  evidence_hash: `0x${"ab".repeat(32)}`,
  ...over,
});
const inputs = (over: Partial<PostInputs>): PostInputs => ({
  tokens: [],
  recorded: new Map(),
  alive_until_s: new Map(),
  last_epoch: 0,
  idle_ms: 0,
  now_s,
  epoch_ms: hour_ms,
  token_valid_ms: valid_s * 1000,
  max_transitions: 100,
  ...over,
});
const plan = (over: Partial<PostInputs>) => planPost(inputs(over));

describe("planPost", () => {
  it("posts what the chain lacks, all leaves under the root in token order", () => {
    const { post, conflicts } = plan({
      tokens: [token(10n, { sequence: 3, state: "lost", cause: "uncured" }), token(2n)],
      recorded: new Map([[10n, leaf(10n)]]),
    });
    const leaves = [leaf(2n), leaf(10n, { sequence: 3, state: 6, cause: 60 })];
    expect(post).toEqual({
      epoch: Math.floor(now_s / 3_600),
      fleet_root: fleetRoot(leaves),
      fleet_size: 2,
      fleet_until_s: now_s + 3 * 3_600,
      transitions: leaves,
    });
    expect(conflicts).toEqual([]);
  });

  it("posts a device that is retired as stale, with its own cause", () => {
    const { post } = plan({ tokens: [token(1n, { state: "retired", cause: "retired" })] });
    expect(post?.transitions).toEqual([leaf(1n, { state: 5, cause: 70 })]);
  });

  it("posts until when silicon counts, with a greater sequence", () => {
    const { post } = plan({
      tokens: [token(1n, { sequence: 2, assured_until_ms: 1_800_000_777_999 })],
      recorded: new Map([[1n, leaf(1n, { assured_until_s: 77 })]]),
    });
    expect(post?.transitions).toEqual([leaf(1n, { sequence: 2, assured_until_s: 1_800_000_777 })]);
  });

  it("posts nothing when nothing changed, a heartbeat after half an epoch, and none without tokens", () => {
    const quiet = { tokens: [token(1n)], recorded: new Map([[1n, leaf(1n)]]) };
    expect(plan({ ...quiet, idle_ms: hour_ms / 2 - 1 }).post).toBeNull();
    expect(plan({ ...quiet, idle_ms: hour_ms / 2 }).post).toMatchObject({ transitions: [], fleet_size: 1 });
    expect(plan({ idle_ms: hour_ms }).post).toBeNull();
  });

  it("counts epochs up even when time stands still or the chain is ahead", () => {
    const ahead = Math.floor(now_s / 3_600) + 5;
    expect(plan({ tokens: [token(1n)], last_epoch: ahead }).post?.epoch).toBe(ahead + 1);
  });

  it("extends what runs out, with what the chain has as assurance, since nothing else may change", () => {
    const recorded = leaf(1n, { valid_until_s: now_s + valid_s / 4 - 1, assured_until_s: 77 });
    expect(plan({ tokens: [token(1n)], recorded: new Map([[1n, recorded]]) }).post?.transitions).toEqual([
      leaf(1n, { assured_until_s: 77 }),
    ]);
    const { post } = plan({
      tokens: [token(1n, { assured_until_ms: 99_000 })],
      recorded: new Map([[1n, recorded]]),
    });
    expect(post?.fleet_root).toBe(fleetRoot([leaf(1n, { assured_until_s: 77 })]));
    const enough = leaf(1n, { valid_until_s: now_s + valid_s / 4 });
    expect(plan({ tokens: [token(1n)], recorded: new Map([[1n, enough]]) }).post).toBeNull();
  });

  it("puts changes before extensions and leaves the rest to the next post", () => {
    const recorded = new Map([[1n, leaf(1n, { valid_until_s: now_s })]]);
    const { post } = plan({ tokens: [token(1n), token(2n), token(3n)], recorded, max_transitions: 2 });
    expect(post?.transitions.map(({ token_id }) => token_id)).toEqual(["2", "3"]);
    expect(post?.fleet_size).toBe(3);
  });

  it("extends many by liveness words: a bit for each whose record stands, and none for another", () => {
    const soon = { valid_until_s: now_s + 60 };
    const ids = [1n, 2n, 3n, 4n, 5n, 230n, 500n];
    const recorded = new Map(ids.map((id) => [id, leaf(id, soon)]));
    recorded.set(4n, leaf(4n, { ...soon, state: 2 }));
    recorded.set(230n, leaf(230n));
    const inputs = {
      tokens: ids.map((id) => token(id, id === 5n ? { sequence: 2 } : {})),
      recorded,
      // Alive by an earlier word, for long enough.
      alive_until_s: new Map([[500n, now_s + valid_s]]),
    };
    const { post, conflicts } = plan(inputs);
    expect(conflicts.map(({ token_id }) => token_id)).toEqual([4n]);
    expect(post?.transitions.map(({ token_id }) => token_id)).toEqual(["5"]);
    expect(post?.liveness).toEqual({
      words: [`0x${"0".repeat(62)}0e`],
      until_s: now_s + valid_s,
    });
    const more = {
      ...inputs,
      alive_until_s: new Map(),
      tokens: [...inputs.tokens, token(6n)],
      recorded: new Map([...recorded, [6n, leaf(6n, soon)]]),
    };
    expect(plan({ ...more, max_transitions: 1 }).post?.liveness?.words).toHaveLength(1);
    expect(plan(more).post?.liveness?.words).toEqual([
      `0x${"0".repeat(62)}4e`,
      `0x${"00".repeat(3)}02${(1n << 52n).toString(16).padStart(56, "0")}`,
    ]);
  });

  it("tells of records that contradict the registry and never extends them", () => {
    const old = { valid_until_s: now_s };
    const recorded = new Map([
      [1n, leaf(1n, { ...old, sequence: 9 })],
      [2n, leaf(2n, { ...old, state: 2 })],
    ]);
    const { post, conflicts } = plan({
      tokens: [token(1n), token(2n), token(3n, { sequence: 0 })],
      recorded,
    });
    expect(post).toBeNull();
    expect(conflicts.map(({ token_id }) => token_id)).toEqual([1n, 2n, 3n]);
  });
});
