import { CaliberError } from "../../protocol/errors.js";
import type { LoanChain } from "./loanChain.js";
import { loansError } from "./loansError.js";

/** The same port, whose failures all are LOANS_RPC, so that nobody takes a node's trouble for the chain's word. */
export function tellingRpc(chain: LoanChain): LoanChain {
  const told = async <Value>(ask: () => Promise<Value>): Promise<Value> => {
    try {
      return await ask();
    } catch (cause) {
      if (cause instanceof CaliberError) throw cause;
      // The cause's own text may hold the node's URL, and that may hold a key.
      throw loansError("LOANS_RPC", "the chain's node does not answer", { cause });
    }
  };
  return {
    chainId: () => told(() => chain.chainId()),
    head: () => told(() => chain.head()),
    block: (number) => told(() => chain.block(number)),
    logs: (from, to) => told(() => chain.logs(from, to)),
    calldata: (tx_hash) => told(() => chain.calldata(tx_hash)),
    loanState: (loan, block_hash) => told(() => chain.loanState(loan, block_hash)),
    decimals: (currency) => told(() => chain.decimals(currency)),
  };
}
