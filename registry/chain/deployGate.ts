import { type Address, encodeDeployData, encodeFunctionData, type LocalAccount, type Transport } from "viem";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { caliberGateBytecode } from "../../contracts-abi/bytecode/CaliberGate.js";
import { CaliberError } from "../../protocol/errors.js";
import { healthStates } from "../../protocol/health/healthState.js";
import { chainClient } from "./chainClient.js";
import { checkDeployment } from "./checkDeployment.js";
import type { Deployment } from "./deployment.js";
import { sendFromAccount } from "./sendFromAccount.js";

export type GateOptions = {
  transport: Transport;
  /** Pays, and is the token contract's admin. */
  admin: LocalAccount;
  deployment: Deployment;
  /** USD.AI's CollateralTimelock and LoanRouterV2. */
  timelock: Address;
  router: Address;
  /** States that may be pledged. */
  accepted: ("healthy" | "watch" | "impaired")[];
  /** Bit 0: key in a TPM. Bit 1: identity from silicon. */
  required_assurance: number;
  /** Whether the silicon must have answered lately. */
  needs_presence: boolean;
};

/**
 * Deploys a loan's gate, and makes timelock and router known custodians of the titles, so that the controllers which a
 * loan rests on outlive its transfers. Run again after a failure it deploys another gate.
 *
 * @throws CaliberError CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING, CHAIN_NOT_ADMIN before anything is sent;
 * CHAIN_DEPLOY_FAILED; viem's errors when the node does not answer
 */
export async function deployGate(options: GateOptions): Promise<Deployment> {
  const { transport, admin, deployment, timelock, router, accepted } = options;
  const client = chainClient(transport);
  const token = { address: deployment.token, abi: caliberTokenAbi } as const;
  await checkDeployment(client, deployment);
  for (const [name, address] of Object.entries({ timelock, router })) {
    if ((await client.getCode({ address })) === undefined) {
      throw new CaliberError("CHAIN_CONTRACTS_MISSING", `there is no contract at the ${name}'s address`, {
        details: address,
        disposition: "user",
      });
    }
  }
  const admins = await client.readContract({ ...token, functionName: "DEFAULT_ADMIN_ROLE" });
  const isAdmin = await client.readContract({
    ...token,
    functionName: "hasRole",
    args: [admins, admin.address],
  });
  if (!isAdmin) {
    throw new CaliberError("CHAIN_NOT_ADMIN", `${admin.address} is not the admin of the titles`, {
      disposition: "user",
    });
  }
  const states = accepted.reduce((mask, state) => mask | (1n << BigInt(healthStates[state])), 0n);
  const receipt = await sendFromAccount(client, admin, {
    data: encodeDeployData({
      abi: caliberGateAbi,
      bytecode: caliberGateBytecode,
      args: [
        deployment.token,
        deployment.health,
        timelock,
        router,
        states,
        options.required_assurance,
        options.needs_presence,
      ],
    }),
  });
  if (!receipt.contractAddress) {
    throw new CaliberError("CHAIN_DEPLOY_FAILED", `transaction ${receipt.transactionHash} made no contract`);
  }
  const role = await client.readContract({ ...token, functionName: "CUSTODY_ROLE" });
  const calls = [
    { functionName: "grantRole", args: [role, admin.address] },
    { functionName: "setCustodian", args: [timelock, true] },
    { functionName: "setCustodian", args: [router, true] },
  ] as const;
  for (const call of calls) {
    await sendFromAccount(client, admin, {
      to: deployment.token,
      data: encodeFunctionData({ abi: caliberTokenAbi, ...call }),
    });
  }
  return { ...deployment, gate: receipt.contractAddress.toLowerCase() as Address };
}
