import { fallback } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { chainClient } from "../chain/chainClient.js";
import { chainTransport } from "../chain/chainTransport.js";
import { openWriterKey } from "../chain/openWriterKey.js";
import { requireDeployment } from "../chain/requireDeployment.js";
import type { ChainOptions } from "../chain/startChain.js";
import type { LoanOptions } from "../loans/loanOptions.js";
import type { LoanView } from "../loans/loanView.js";
import { type Approver, type ApproverOptions, createApprover } from "./createApprover.js";

/** A registry's approver, which signs with the account that posts health. Null where no gate is deployed. */
export async function openApprover(
  options: {
    chain: ChainOptions;
    loans: LoanOptions & { view: LoanView };
  } & Pick<ApproverOptions, "devices" | "isRevoked" | "fresh_within_ms" | "record" | "now_ms">,
): Promise<Approver | null> {
  const { chain, loans, ...rest } = options;
  const { gate, ...deployment } = requireDeployment(chain.deployment_file);
  if (gate === undefined) return null;
  const { view, router, timelock, poll_ms } = loans;
  const secret = await openWriterKey({
    key_file: chain.writer_key_file,
    password_file: chain.writer_password_file,
    chain_id: deployment.chain_id,
  });
  return createApprover({
    ...rest,
    client: chainClient(fallback(chain.rpc_urls.map(chainTransport))),
    account: privateKeyToAccount(secret),
    deployment: { ...deployment, gate },
    // A round that fails is begun again at once, and then more and more seldom.
    loans: { view, router, timelock, max_age_ms: Math.max(60_000, 4 * poll_ms) },
  });
}
