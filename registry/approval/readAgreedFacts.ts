import { isDeepStrictEqual } from "node:util";
import type { PublicClient } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { allDone } from "../chain/allDone.js";
import { checkDeployment } from "../chain/checkDeployment.js";
import type { ApprovalFacts } from "./approvalFacts.js";
import { chainUnreadable } from "./chainUnreadable.js";
import { type ApprovalQuestion, readApprovalFacts } from "./readApprovalFacts.js";

/** A node of the chain. `name` is shown to people and holds no key. */
export type ApprovalNode = { name: string; client: PublicClient };

/** A node whose newest block is this much older than another's does not follow the chain. */
const behind_s = 120;

/**
 * What the chain says about a loan, by the word of every node: all are asked about one block, the newest that all have, and
 * must say the same of it. What is signed moves money, so none is left out for being away.
 *
 * @throws CaliberError CHAIN_ENDPOINTS_DISAGREE, CHAIN_UNREADABLE; as checkDeployment and readApprovalFacts
 */
export async function readAgreedFacts(
  nodes: readonly ApprovalNode[],
  question: ApprovalQuestion,
): Promise<ApprovalFacts> {
  const heads = await ofAll(nodes, async (client) => {
    await checkDeployment(client, question.deployment);
    return client.getBlock({ blockTag: "latest" });
  });
  const newest = heads.reduce((a, b) => (b.timestamp > a.timestamp ? b : a));
  const common = heads.reduce((a, b) => (b.number < a.number ? b : a));
  if (newest.timestamp - common.timestamp > BigInt(behind_s)) {
    throw disagree(`${nodes[heads.indexOf(common)]!.name} does not follow the chain`);
  }
  const all = await ofAll(nodes, (client) => readApprovalFacts(client, question, common.number));
  const [facts] = all;
  for (const [i, other] of all.entries()) {
    if (isDeepStrictEqual(other, facts)) continue;
    const differ =
      other.block.hash === facts!.block.hash ? "say different things of block" : "have different blocks";
    throw disagree(`${nodes[0]!.name} and ${nodes[i]!.name} ${differ} ${common.number}`);
  }
  return facts!;
}

async function ofAll<Value>(
  nodes: readonly ApprovalNode[],
  ask: (client: PublicClient) => Promise<Value>,
): Promise<Value[]> {
  return allDone(
    nodes.map(async ({ name, client }) => {
      try {
        return await ask(client);
      } catch (cause) {
        if (cause instanceof CaliberError) throw cause;
        throw chainUnreadable(name, cause);
      }
    }),
  );
}

function disagree(message: string): CaliberError {
  return new CaliberError("CHAIN_ENDPOINTS_DISAGREE", message, { disposition: "retryable" });
}
