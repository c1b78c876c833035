import type { TransactionReceipt } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import type { Intent } from "./intent.js";
import { tokenMinted } from "./intentEffect.js";
import { receiptOf } from "./receiptOf.js";
import { refusals } from "./refusals.js";
import type { Head, WriterContext } from "./writerContext.js";

/**
 * Turns `mined` into `done` once enough blocks lie on top and the receipt still stands in the same block. The
 * registry records first, and is asked to again after a kill in between.
 */
export async function confirmIntents(ctx: WriterContext, head: Head): Promise<void> {
  const { client, store, settings, problems, log } = ctx;
  for (const intent of store.inState("mined")) {
    if (intent.block === null || intent.tx === null) throw unplaced(intent);
    if (head.number - intent.block.number < settings.confirmations) continue;
    const receipt = await receiptOf(client, intent.tx);
    if (receipt === null) {
      store.unmine([intent.id]);
      continue;
    }
    if (receipt.blockHash !== intent.block.hash) {
      store.mine(intent.id, intent.tx, { number: Number(receipt.blockNumber), hash: receipt.blockHash });
      continue;
    }
    record(ctx, intent, receipt);
    store.finish(intent.id, "done", null);
    refusals.over(problems, intent);
    log.info({ intent: intent.id, tx: intent.tx, block: intent.block.number }, "done on chain");
  }
}

function record({ view, deployment }: WriterContext, intent: Intent, receipt: TransactionReceipt): void {
  const at = { tx: receipt.transactionHash, block: Number(receipt.blockNumber) };
  switch (intent.kind) {
    case "mint": {
      const { device } = intent.payload;
      const token_id = tokenMinted(receipt.logs, device);
      if (token_id === null) throw unplaced(intent);
      view.record({
        type: "minted",
        device,
        chain_id: deployment.chain_id,
        contract: deployment.token,
        token_id: String(token_id),
        ...at,
      });
      return;
    }
    case "amend": {
      const { device, token_id, evidence } = intent.payload;
      view.record({ type: "amended", device, token_id, evidence: evidence.slice(2), ...at });
      return;
    }
    case "rotate": {
      const { device, key: former, rotation } = intent.payload;
      const { token_id, evidence } = rotation;
      view.record({ type: "rotated", device, former, token_id, evidence: evidence.slice(2), ...at });
      return;
    }
    case "replace": {
      const { device, former, replacement } = intent.payload;
      const { token_id, evidence } = replacement;
      view.record({ type: "replaced", device, former, token_id, evidence: evidence.slice(2), ...at });
      return;
    }
    case "anchor": {
      const { size, root } = intent.payload;
      view.record({ type: "anchored", size, root: root.slice(2), ...at });
      return;
    }
    case "post":
      // Posts are read back from the chain, never from the log.
      return;
  }
}

function unplaced(intent: Intent): CaliberError {
  return new CaliberError(
    "INTENT_INCONSISTENT",
    `${intent.id} is mined but its transaction does not show it`,
    {
      disposition: "internal",
    },
  );
}
