import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Address, Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";

/** Where the contracts live. Addresses are lower case. */
export type Deployment = {
  chain_id: number;
  token: Address;
  health: Address;
  log: Address;
  /** Absent where no loan's gate was deployed. It names its router and timelock itself. */
  gate?: Address;
  /** The block that holds the last of the three deployments: where event look-ups start. */
  block: { number: number; hash: Hex };
};

/**
 * Names one deployment for good. A development chain that starts over gives out the same addresses again, so the
 * block's hash is part of the name.
 */
export function deploymentId(deployment: Deployment): string {
  return `${deployment.chain_id}:${deployment.token}:${deployment.block.hash}`;
}

/** Writes the file whole or not at all. */
export function saveDeployment(path: string, deployment: Deployment): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(deployment, null, 2)}\n`, { flush: true });
  renameSync(`${path}.new`, path);
}

/**
 * The deployment on file, or null when there is no such file.
 *
 * @throws CaliberError DEPLOYMENT_MALFORMED
 */
export function loadDeployment(path: string): Deployment | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
  return parse(text, path);
}

const addressPattern = /^0x[0-9a-f]{40}$/;
const hashPattern = /^0x[0-9a-f]{64}$/;

function parse(text: string, path: string): Deployment {
  const malformed = (what: string, cause?: unknown) =>
    new CaliberError("DEPLOYMENT_MALFORMED", `${path}: ${what}`, { cause, disposition: "user" });
  let value: Partial<Deployment>;
  try {
    value = JSON.parse(text) as Partial<Deployment>;
  } catch (cause) {
    throw malformed("not JSON", cause);
  }
  const { chain_id, token, health, log, gate, block } = value;
  if (!Number.isSafeInteger(chain_id)) throw malformed("chain_id is not an integer");
  for (const [name, address] of Object.entries({
    token,
    health,
    log,
    ...(gate === undefined ? {} : { gate }),
  })) {
    if (!addressPattern.test(String(address))) throw malformed(`${name} is not a lower-case address`);
  }
  if (!Number.isSafeInteger(block?.number) || !hashPattern.test(String(block?.hash))) {
    throw malformed("block has no number or hash");
  }
  return { chain_id, token, health, log, ...(gate === undefined ? {} : { gate }), block } as Deployment;
}
