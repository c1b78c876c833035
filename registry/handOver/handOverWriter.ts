import type { Address, LocalAccount, PublicClient } from "viem";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { CaliberError } from "../../protocol/errors.js";
import { checkDeployment } from "../chain/checkDeployment.js";
import type { Deployment } from "../chain/deployment.js";
import { sendFromAccount } from "../chain/sendFromAccount.js";
import { type HandOver, type HandOverCall, handOverCalls } from "./handOverCalls.js";

/**
 * Puts one writer's account in another's place on chain. What is cut short is gone on with by the next call.
 *
 * @param sender the contracts' admin; null sends nothing, and gives what it would.
 * @throws CaliberError CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING, CHAIN_NOT_ADMIN before anything is sent;
 * CHAIN_DEPLOY_FAILED when a call reverts; viem's errors when the node does not answer
 */
export async function handOverWriter(
  client: PublicClient,
  deployment: Deployment,
  hand: HandOver,
  sender: LocalAccount | null,
  sent: (call: HandOverCall) => void = () => undefined,
): Promise<HandOverCall[]> {
  await checkDeployment(client, deployment);
  await requireAdmin(client, deployment, hand.admin);
  const calls = await handOverCalls(client, deployment, hand);
  if (sender === null) return calls;
  for (const call of calls) {
    await sendFromAccount(client, sender, { to: call.to, data: call.data });
    sent(call);
  }
  return calls;
}

async function requireAdmin(client: PublicClient, deployment: Deployment, admin: Address): Promise<void> {
  for (const contract of ["token", "health", "log"] as const) {
    const holder = await client.readContract({
      address: deployment[contract],
      abi: caliberLogAbi,
      functionName: "defaultAdmin",
    });
    if (holder.toLowerCase() === admin.toLowerCase()) continue;
    throw new CaliberError("CHAIN_NOT_ADMIN", `${admin} is not the admin of ${contract}`, {
      details: `that is ${holder}`,
      disposition: "user",
    });
  }
}
