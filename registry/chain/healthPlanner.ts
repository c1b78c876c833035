import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { allDone } from "./allDone.js";
import type { HealthLeaf, Intent } from "./intent.js";
import { planPost } from "./planPost.js";
import { chainNow_s, elapsed_ms, type Head, type WriterContext } from "./writerContext.js";

export type HealthPlanner = {
  plan(head: Head): Promise<void>;
  /** What was read from the chain may have changed: read it again. */
  forget(): void;
};

/** Compares the registry's health of all tokens with what the chain says, and wants a post where they differ. */
export function createHealthPlanner(ctx: WriterContext): HealthPlanner {
  const { client, deployment, store, view, settings, problems, now_ms } = ctx;
  const health = { address: deployment.health, abi: caliberHealthAbi } as const;
  /** The contract's state as of the last post we know of. Only `post` and `prove` move it, and `prove` only to leaves we posted. */
  let recorded = new Map<bigint, HealthLeaf | null>();
  /** Until when the liveness bitmap vouches for the record. */
  let aliveUntil_s = new Map<bigint, number>();
  let fleet: { epoch: number; posted_at_s: number; read_ms: number } | null = null;
  /** True from planning a post until the chain is read after its end, whichever end that was. */
  let wanted = false;
  let conflictsTold: bigint[] = [];

  async function readRecords(ids: bigint[]): Promise<void> {
    const read = await allDone(
      ids.map((id) =>
        Promise.all([
          client.readContract({ ...health, functionName: "recordOf", args: [id] }),
          client.readContract({ ...health, functionName: "livenessOf", args: [id] }),
        ]),
      ),
    );
    for (const [i, [leaf, alive]] of read.entries()) {
      aliveUntil_s.set(ids[i]!, Number(alive));
      recorded.set(
        ids[i]!,
        leaf.sequence === 0n
          ? null
          : {
              token_id: String(leaf.tokenId),
              sequence: Number(leaf.sequence),
              state: leaf.state,
              cause: leaf.cause,
              since_s: Number(leaf.since),
              valid_until_s: Number(leaf.validUntil),
              assured_until_s: Number(leaf.assuredUntil),
              evidence_hash: leaf.evidenceHash,
            },
      );
    }
  }

  function forget(): void {
    recorded = new Map();
    aliveUntil_s = new Map();
    fleet = null;
    wanted = false;
  }

  /** Waiting for attestors, cheaper gas or funds for so long that what it says may hold no more. */
  function isOutdated({ id, state, updated_ms }: Intent): boolean {
    const isUnsent = state === "wanted" && store.txs(id).length === 0;
    return isUnsent && now_ms() - updated_ms >= settings.failure_retry_ms;
  }

  /** Nothing of it ever went out, so what was read of the chain still stands. */
  function replan({ id }: Intent): void {
    store.finish(id, "obsolete", "it waited, and is planned anew from what holds now");
    wanted = false;
  }

  return {
    forget,
    async plan(head) {
      // One at a time: the next post is planned from what this one leaves on chain.
      const underWay = store.inState("wanted", "signed", "mined").filter(({ kind }) => kind === "post");
      if (!underWay.every(isOutdated)) {
        wanted = true;
        return;
      }
      if (underWay.length > 0) underWay.forEach(replan);
      else if (wanted) forget();
      const failed_ms = store.lastFailure_ms("post");
      if (failed_ms !== null && now_ms() - failed_ms < settings.failure_retry_ms) return;
      const tokens = view.tokenHealth();
      await readRecords(tokens.map(({ token_id }) => token_id).filter((id) => !recorded.has(id)));
      if (fleet === null) {
        const [epoch, , , , postedAt] = await client.readContract({ ...health, functionName: "fleet" });
        fleet = { epoch, posted_at_s: Number(postedAt), read_ms: now_ms() };
      }
      const { post, conflicts } = planPost({
        tokens,
        recorded,
        alive_until_s: aliveUntil_s,
        last_epoch: fleet.epoch,
        idle_ms: elapsed_ms(head, fleet.posted_at_s, now_ms() - fleet.read_ms),
        now_s: chainNow_s(head, now_ms()),
        epoch_ms: settings.epoch_ms,
        token_valid_ms: settings.token_valid_ms,
        max_transitions: settings.max_transitions_per_post,
      });
      const conflicting = new Map(conflicts.map(({ token_id, text }) => [token_id, text]));
      for (const id of conflictsTold) {
        if (!conflicting.has(id)) problems.clear("HEALTH_CONFLICT", `token ${id}`);
      }
      for (const [id, text] of conflicting) problems.set("HEALTH_CONFLICT", `token ${id}`, text);
      conflictsTold = [...conflicting.keys()];
      if (post === null) return;
      wanted = true;
      store.want({ kind: "post", payload: post });
    },
  };
}
