import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { allDone } from "./allDone.js";
import { checkHead } from "./checkHead.js";
import type { Head, WriterContext } from "./writerContext.js";

/**
 * Holds the registry's tokens against the chain after it may have lost blocks. A token that is on record but not on
 * chain is recorded as lost, so that its device can be titled again. A redeemed one is no loss. True when all could
 * be judged: tokens that a stored transaction may bring back are to be looked at again.
 */
export async function recheckTitles(ctx: WriterContext, head: Head): Promise<boolean> {
  const { client, deployment, store, view, problems, log } = ctx;
  const underWay = new Set<string>();
  for (const intent of store.inState("wanted", "signed", "mined")) {
    if (intent.kind === "mint") underWay.add(intent.payload.device);
    // Before it is recorded the old key is still on record, and after a reorganisation the new one not on chain.
    if (intent.kind === "rotate" || intent.kind === "replace")
      underWay.add(intent.payload.key).add(intent.payload.device);
  }
  const recorded = view.tokenHealth();
  const judged = recorded.filter(({ key }) => !underWay.has(key));
  const slots = await allDone(
    judged.map(({ key }) =>
      client.readContract({
        address: deployment.token,
        abi: caliberTokenAbi,
        functionName: "tokenOfKey",
        args: [`0x${key}`],
      }),
    ),
  );
  for (const [i, { device, token_id }] of judged.entries()) {
    const [live, nonce] = slots[i]!;
    if (live === token_id) {
      problems.clear("TITLE_REDEEMED", device);
      continue;
    }
    if (live === 0n && nonce > 0n) {
      problems.set("TITLE_REDEEMED", device, `token ${token_id} was redeemed`);
      continue;
    }
    // What is recorded cannot be taken back: the reads must not be of a node that is only catching up.
    await checkHead(client, head);
    log.warn(
      { device, token_id: String(token_id), on_chain: String(live) },
      "a recorded title is not on chain",
    );
    view.record({
      type: "unminted",
      device,
      chain_id: deployment.chain_id,
      contract: deployment.token,
      token_id: String(token_id),
      block: head.number,
    });
  }
  return judged.length === recorded.length;
}
