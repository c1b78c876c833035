import { chainClient } from "../chain/chainClient.js";
import { chainTransport } from "../chain/chainTransport.js";
import { endpointNames } from "../chain/endpointNames.js";
import { openWriterAccount } from "../chain/openWriterAccount.js";
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
  const names = endpointNames(chain.rpc_urls);
  return createApprover({
    ...rest,
    nodes: chain.rpc_urls.map((url, i) => ({ name: names[i]!, client: chainClient(chainTransport(url)) })),
    account: await openWriterAccount(chain.writer, deployment),
    deployment: { ...deployment, gate },
    // A round that fails is begun again at once, and then more and more seldom.
    loans: { view, router, timelock, max_age_ms: Math.max(60_000, 4 * poll_ms) },
  });
}
