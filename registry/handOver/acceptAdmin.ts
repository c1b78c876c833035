import { encodeFunctionData, type LocalAccount, type PublicClient } from "viem";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { CaliberError } from "../../protocol/errors.js";
import { checkDeployment } from "../chain/checkDeployment.js";
import type { Deployment } from "../chain/deployment.js";
import { sendFromAccount } from "../chain/sendFromAccount.js";

/**
 * Takes the admin's place in every contract that has begun to hand it over to this account, the second of two steps.
 *
 * @returns the contracts of which it is the admin now by this.
 * @throws CaliberError CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING; ADMIN_TOO_EARLY before the contracts' delay is over;
 * CHAIN_DEPLOY_FAILED when a call reverts; viem's errors when the node does not answer
 */
export async function acceptAdmin(
  client: PublicClient,
  deployment: Deployment,
  account: LocalAccount,
): Promise<string[]> {
  await checkDeployment(client, deployment);
  const { timestamp } = await client.getBlock();
  const mine: ("token" | "health" | "log")[] = [];
  for (const contract of ["token", "health", "log"] as const) {
    const [pending, from_s] = await client.readContract({
      address: deployment[contract],
      abi: caliberLogAbi,
      functionName: "pendingDefaultAdmin",
    });
    if (pending.toLowerCase() !== account.address.toLowerCase()) continue;
    if (timestamp <= BigInt(from_s)) {
      const at = new Date(from_s * 1000).toISOString();
      throw new CaliberError("ADMIN_TOO_EARLY", `${contract} can be taken over after ${at}`, {
        disposition: "user",
      });
    }
    mine.push(contract);
  }
  const data = encodeFunctionData({ abi: caliberLogAbi, functionName: "acceptDefaultAdminTransfer" });
  for (const contract of mine) await sendFromAccount(client, account, { to: deployment[contract], data });
  return mine;
}
