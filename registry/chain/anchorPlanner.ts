import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { originHash } from "../../protocol/log/originHash.js";
import { elapsed_ms, type Head, type WriterContext } from "./writerContext.js";

export type AnchorPlanner = {
  plan(head: Head): Promise<void>;
  /** What was read from the chain may have changed: read it again. */
  forget(): void;
};

/** Wants the log's checkpoint on chain, at most once an interval and only when the log has grown. */
export function createAnchorPlanner(ctx: WriterContext): AnchorPlanner {
  const { client, deployment, store, view, settings, problems, now_ms } = ctx;
  let latest: { origin: string; size: number; root: string; anchored_at_s: number; read_ms: number } | null =
    null;

  /** True from planning an anchor until the chain is read after its end, whichever end that was. */
  let wanted = false;

  function forget(): void {
    latest = null;
    wanted = false;
  }

  return {
    forget,
    async plan(head) {
      const busy = store.inState("wanted", "signed", "mined").some(({ kind }) => kind === "anchor");
      if (busy) wanted = true;
      if (busy) return;
      if (wanted) forget();
      const failed_ms = store.lastFailure_ms("anchor");
      if (failed_ms !== null && now_ms() - failed_ms < settings.failure_retry_ms) return;
      const origin = originHash(view.origin);
      if (latest === null || latest.origin !== origin) {
        const [size, root, anchoredAt] = await client.readContract({
          address: deployment.log,
          abi: caliberLogAbi,
          functionName: "latest",
          args: [origin],
        });
        latest = { origin, size: Number(size), root, anchored_at_s: Number(anchoredAt), read_ms: now_ms() };
      }
      const contradiction = contradictionOf(latest);
      if (contradiction !== null) {
        problems.set("LOG_CONTRADICTS_ANCHOR", view.origin, contradiction);
        view.haltCheckpoints(contradiction);
        return;
      }
      problems.clear("LOG_CONTRADICTS_ANCHOR", view.origin);
      if (view.logSize() === latest.size) return;
      const since_ms = elapsed_ms(head, latest.anchored_at_s, now_ms() - latest.read_ms);
      if (since_ms < settings.anchor_interval_ms) return;
      wanted = true;
      const { size, root } = view.checkpoint();
      store.want({ kind: "anchor", payload: { origin, size, root: hexOf(root) } });
    },
  };

  /** A log restored from an older copy lacks what is anchored, or has gone on differently since. */
  function contradictionOf(anchored: { size: number; root: string }): string | null {
    const size = view.logSize();
    if (size < anchored.size) return `the log has ${size} entries, ${anchored.size} are anchored`;
    if (anchored.size === 0 || hexOf(view.rootAt(anchored.size)) === anchored.root) return null;
    return `the log's root at ${anchored.size} is not the anchored one`;
  }
}

function hexOf(bytes: Buffer): `0x${string}` {
  return `0x${bytes.toString("hex")}`;
}
