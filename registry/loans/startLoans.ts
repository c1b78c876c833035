import type { Logger } from "pino";
import { type Address, fallback } from "viem";
import { chainTransport } from "../chain/chainTransport.js";
import type { Deployment } from "../chain/deployment.js";
import { arbitrumModels, type LoanModels } from "../credit/schedule/loanModels.js";
import type { Db } from "../store/openDatabase.js";
import type { LoanOptions } from "./loanOptions.js";
import { arbitrumRouter, defaultDepth_blocks, defaultRange_blocks } from "./loanSettings.js";
import { type LoanIndex, startLoanIndex } from "./startLoanIndex.js";

export type Loans = LoanIndex & {
  /** The title contract whose tokens are joined to loans. */
  collateral: Address;
  /** What is known of the interest and fee models' addresses: none outside of USD.AI's own chain. */
  models: LoanModels;
};

const noModels: LoanModels = { interest: new Map(), fee: new Map() };

/** Starts a registry's loan index over the node that its tokens are minted through. */
export function startLoans(options: {
  db: Db;
  rpc_urls: readonly string[];
  deployment: Deployment;
  loans: LoanOptions;
  log: Logger;
  now_ms: () => number;
}): Loans {
  const { db, rpc_urls, deployment, loans, log, now_ms } = options;
  const { chain_id, token } = deployment;
  const { poll_ms, ...followed } = loans;
  const index = startLoanIndex({
    db,
    transport: fallback(rpc_urls.map(chainTransport)),
    settings: {
      ...followed,
      chain_id,
      collateral: token,
      depth_blocks: defaultDepth_blocks,
      range_blocks: defaultRange_blocks,
    },
    poll_ms,
    log: log.child({ part: "loans" }),
    now_ms,
  });
  return {
    ...index,
    collateral: token,
    models: chain_id === arbitrumRouter.chain_id ? arbitrumModels : noModels,
  };
}
