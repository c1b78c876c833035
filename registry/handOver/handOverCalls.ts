import {
  type Abi,
  type Address,
  encodeFunctionData,
  type Hex,
  keccak256,
  type PublicClient,
  toHex,
} from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { CaliberError } from "../../protocol/errors.js";
import type { Deployment } from "../chain/deployment.js";

/** One transaction that the contracts' admin has to send. */
export type HandOverCall = { what: string; to: Address; data: Hex };

export type HandOver = {
  /** The account that writes until now, and the one that will. */
  from: Address;
  to: Address;
  /** Who sends the calls: the contracts' admin. */
  admin: Address;
  /** Whether to begin handing over the admin's own place too, where `from` holds it. */
  with_admin: boolean;
};

const contracts = ["token", "health", "log"] as const;
type Contract = (typeof contracts)[number];
const roles: Record<Contract, readonly string[]> = {
  token: ["REGISTRAR_ROLE", "ARBITER_ROLE", "CUSTODY_ROLE", "PAUSER_ROLE"],
  health: ["QUORUM_ROLE", "PAUSER_ROLE"],
  log: ["ANCHOR_ROLE"],
};
/** Sets the attestors: not a writer's work, so it is taken away and not passed on. The admin gives it to itself, for as long as it needs it. */
const ofAdmin = "QUORUM_ROLE";
/** What no registry can write without. */
const needed: ReadonlySet<string> = new Set(["REGISTRAR_ROLE", "ANCHOR_ROLE"]);
/** Access control is the same in all three. */
const access = caliberTokenAbi;
const idOf = (role: string): Hex => keccak256(toHex(role));

/**
 * What is left to be sent, in this order, until one account stands in another's place: every role that `from` has, and its
 * place among the attestors. Nothing is taken from `from` before `to` has it. The admin is left without QUORUM_ROLE, which it can
 * give itself at any time. Empty when all is done.
 *
 * @throws CaliberError QUORUM_TOO_SMALL when `to` attests already and there would be fewer than must sign; viem's errors when
 * the node does not answer
 */
export async function handOverCalls(
  client: PublicClient,
  deployment: Deployment,
  { from, to, admin, with_admin }: HandOver,
): Promise<HandOverCall[]> {
  const has = (contract: Contract, role: string, account: Address): Promise<boolean> =>
    client.readContract({
      address: deployment[contract],
      abi: access,
      functionName: "hasRole",
      args: [idOf(role), account],
    });
  const call = (
    contract: Contract,
    abi: Abi,
    functionName: string,
    args: readonly unknown[],
    what: string,
  ) => ({
    what,
    to: deployment[contract],
    data: encodeFunctionData({ abi, functionName, args }),
  });
  const give = (contract: Contract, role: string, account: Address): HandOverCall =>
    call(contract, access, "grantRole", [idOf(role), account], `${contract}: grant ${role} to ${account}`);
  const take = (contract: Contract, role: string, account: Address): HandOverCall =>
    call(contract, access, "revokeRole", [idOf(role), account], `${contract}: revoke ${role} of ${account}`);

  const grants: HandOverCall[] = [];
  const revokes: HandOverCall[] = [];
  for (const contract of contracts) {
    for (const role of roles[contract]) {
      const [before, after] = await Promise.all([has(contract, role, from), has(contract, role, to)]);
      if (!after && role !== ofAdmin && (before || needed.has(role))) grants.push(give(contract, role, to));
      if (before) revokes.push(take(contract, role, from));
    }
  }

  const quorum: HandOverCall[] = [];
  const [attestors, threshold] = await client.readContract({
    address: deployment.health,
    abi: caliberHealthAbi,
    functionName: "quorum",
  });
  const next = replaced(attestors, from, to);
  if (next !== null && next.length < threshold) {
    throw new CaliberError(
      "QUORUM_TOO_SMALL",
      `${to} attests already: ${threshold} attestors would not be left`,
      {
        disposition: "user",
      },
    );
  }
  const adminHas = await has("health", ofAdmin, admin);
  if (next !== null) {
    const what = `health: ${to} attests in the place of ${from} (${threshold} of ${next.length})`;
    const set = call("health", caliberHealthAbi, "setAttestors", [next, threshold], what);
    quorum.push(...(adminHas ? [set] : [give("health", ofAdmin, admin), set]));
  }
  // The admin may give itself what it lacks. Whether it had it before a run that was cut short is not on chain: it never keeps it.
  // Where it is `from`, what it has is taken with the rest.
  if (adminHas ? !same(admin, from) : next !== null) quorum.push(take("health", ofAdmin, admin));

  const transfers: HandOverCall[] = [];
  for (const contract of with_admin ? contracts : []) {
    const at = { address: deployment[contract], abi: caliberLogAbi } as const;
    const [holder, [pending]] = await Promise.all([
      client.readContract({ ...at, functionName: "defaultAdmin" }),
      client.readContract({ ...at, functionName: "pendingDefaultAdmin" }),
    ]);
    if (!same(holder, from) || same(pending, to)) continue;
    const what = `${contract}: begin to make ${to} the admin`;
    transfers.push(call(contract, caliberLogAbi, "beginDefaultAdminTransfer", [to], what));
  }
  return [...grants, ...quorum, ...revokes, ...transfers];
}

/** The attestors with one in another's place, or null when nothing is to be done about them. */
function replaced(attestors: readonly Address[], from: Address, to: Address): Address[] | null {
  if (!attestors.some((one) => same(one, from))) return null;
  const others = attestors.filter((one) => !same(one, from) && !same(one, to));
  return [...others, to];
}

function same(one: Address, other: Address): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
