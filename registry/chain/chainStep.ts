import { createAnchorPlanner } from "./anchorPlanner.js";
import { createBeaconRecorder } from "./beaconRecorder.js";
import { broadcastSigned, type SentHashes } from "./broadcastSigned.js";
import { checkDeployment } from "./checkDeployment.js";
import { confirmIntents } from "./confirmIntents.js";
import type { Endpoints } from "./endpoints.js";
import { createHealthPlanner } from "./healthPlanner.js";
import { planAmendments } from "./planAmendments.js";
import { readBlock, readHead } from "./readHead.js";
import { recheckTitles } from "./recheckTitles.js";
import { reconcile } from "./reconcile.js";
import { refusals } from "./refusals.js";
import { createReplacementPlanner } from "./replacementPlanner.js";
import { createRotationPlanner } from "./rotationPlanner.js";
import { settleSigned } from "./settleSigned.js";
import { submitWanted } from "./submitWanted.js";
import { tellRotated } from "./tellRotated.js";
import { createTitlePlanner } from "./titlePlanner.js";
import type { AccountState, Head, WriterContext } from "./writerContext.js";

/** Blocks after which a final post or anchor is forgotten. */
const keep_blocks = 1_000;

export type StepResult = { head: Head; account: AccountState };

/**
 * One round: look at the chain, book what happened, plan what is missing, send. After a round that threw, and on a
 * chain that is not the continuation of the one last seen, everything is held against the chain first.
 */
export function createChainStep(ctx: WriterContext & { endpoints: Endpoints }): () => Promise<StepResult> {
  const { client, endpoints, account, deployment, store, now_ms } = ctx;
  const beacons = createBeaconRecorder(ctx);
  const titles = createTitlePlanner(ctx);
  const rotations = createRotationPlanner(ctx);
  const replacements = createReplacementPlanner(ctx);
  const anchors = createAnchorPlanner(ctx);
  const health = createHealthPlanner(ctx);
  const sent: SentHashes = new Map();
  /** Null when the chain is to be doubted. */
  let last: Head | null = null;
  let titlesJudged = false;

  async function continuesFrom(before: Head | null, head: Head): Promise<boolean> {
    if (before === null || head.number < before.number) return false;
    if (head.number === before.number) return head.hash === before.hash;
    if (head.number === before.number + 1) return head.parent_hash === before.hash;
    return (await readBlock(client, before.number)).hash === before.hash;
  }

  async function doubt(head: Head): Promise<void> {
    sent.clear();
    beacons.forget();
    anchors.forget();
    health.forget();
    await checkDeployment(client, deployment);
    await reconcile(ctx, head);
    titlesJudged = false;
    store.prune(head.number - keep_blocks, now_ms() - 86_400_000);
  }

  async function round(before: Head | null): Promise<StepResult> {
    const head = await readHead(client);
    const state = await readAccount();
    if (!(await continuesFrom(before, head))) await doubt(head);
    await beacons.record(head);
    await settleSigned(ctx, head, state);
    await confirmIntents(ctx, head);
    if (!titlesJudged) titlesJudged = await recheckTitles(ctx, head);

    await titles.plan(head);
    planAmendments(ctx);
    tellRotated(ctx);
    await rotations.plan(head);
    await replacements.plan(head);
    await anchors.plan(head);
    await health.plan(head);
    refusals.review(ctx);

    const errors = await submitWanted(ctx, head, state);
    await broadcastSigned(ctx, head, state, sent);
    if (errors.length > 0) throw errors[0];
    return { head, account: state };
  }

  async function readAccount(): Promise<AccountState> {
    const [nonce, balance_wei] = await Promise.all([
      client.getTransactionCount({ address: account.address, blockTag: "latest" }),
      client.getBalance({ address: account.address, blockTag: "latest" }),
    ]);
    return { address: account.address, nonce, balance_wei };
  }

  return async () => {
    const before = last;
    last = null;
    // Another node may know neither the blocks nor the transactions of the last one.
    const sameNode = await endpoints.check();
    const result = await round(sameNode ? before : null);
    last = result.head;
    return result;
  };
}
