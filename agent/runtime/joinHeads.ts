import type { ChainHead } from "../../protocol/chain/chainHead.js";

export type JoinedHeads = {
  /** Where the chain goes on; null starts a new one. */
  head: ChainHead | null;
  /** True when the registry knows reports of this key that the agent does not: its own record is not whole. */
  lost: boolean;
};

/**
 * Where a chain goes on, given the agent's own record and the registry's signed head: the later of the two.
 *
 * @param ownStatement what the agent itself has on record at the registry's head, or null when it has nothing there.
 */
export function joinHeads(
  local: ChainHead | null,
  registry: ChainHead | null,
  ownStatement: string | null,
): JoinedHeads {
  if (registry === null) return { head: local, lost: false };
  if (local === null) return { head: registry, lost: true };
  const window_end_ms = Math.max(local.window_end_ms, registry.window_end_ms);
  // Another copy of this key has signed: an old backup of the spool, or a clone of the host. The next seq is above
  // both, as neither may be signed twice.
  if (ownStatement !== null && ownStatement !== registry.statement) {
    const seq = Math.max(local.seq, registry.seq);
    return { head: { seq, statement: registry.statement, window_end_ms }, lost: true };
  }
  if (local.seq < registry.seq) return { head: { ...registry, window_end_ms }, lost: true };
  return { head: { ...local, window_end_ms }, lost: false };
}
