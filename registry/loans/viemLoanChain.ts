import {
  type Address,
  BaseError,
  BlockNotFoundError,
  encodeFunctionData,
  HttpRequestError,
  LimitExceededRpcError,
  type PublicClient,
  parseAbi,
  TimeoutError,
  TransactionNotFoundError,
} from "viem";
import { loanStatuses } from "../credit/schedule/loanState.js";
import type { ChainBlock, LoanChain } from "./loanChain.js";
import type { LoanSettings } from "./loanSettings.js";
import { loansError } from "./loansError.js";

const abi = parseAbi([
  "function loanState(bytes32 loanTermsHash) view returns (uint8 status, uint16 repaymentCount, uint64 originationTimestamp, uint256 scaledBalance)",
]);

const decimalsCall = encodeFunctionData({ abi: parseAbi(["function decimals() view returns (uint8)"]) });

/** The port over a viem client, which must not cache (chainClient). */
export function viemLoanChain(
  client: PublicClient,
  { router, timelock }: Pick<LoanSettings, "router" | "timelock">,
): LoanChain {
  return {
    chainId: () => client.getChainId(),
    head: async () => blockOf(await client.getBlock({ blockTag: "latest" })),
    block: async (number) => {
      try {
        return blockOf(await client.getBlock({ blockNumber: BigInt(number) }));
      } catch (error) {
        if (error instanceof BlockNotFoundError) return null;
        throw error;
      }
    },
    logs: async (from, to) => {
      // No filter by event: one that this version does not know must not pass unseen.
      const logs = await client.getLogs({
        address: [router, timelock],
        fromBlock: BigInt(from),
        toBlock: BigInt(to),
      });
      return logs.map((log) => {
        if (log.blockNumber === null || log.removed) {
          throw loansError("LOANS_LOG_REFUSED", "the node's answer holds a log that stands in no block");
        }
        return {
          address: log.address.toLowerCase() as Address,
          topics: [...log.topics],
          data: log.data,
          block_number: Number(log.blockNumber),
          block_hash: log.blockHash,
          log_index: log.logIndex,
          tx_hash: log.transactionHash,
        };
      });
    },
    calldata: async (hash) => {
      try {
        return (await client.getTransaction({ hash })).input;
      } catch (error) {
        if (error instanceof TransactionNotFoundError) return null;
        throw error;
      }
    },
    loanState: async (loan, blockHash) => {
      const [status, repayment_count, originated, scaled_balance] = await client.readContract({
        address: router,
        abi,
        functionName: "loanState",
        args: [loan],
        blockHash,
        requireCanonical: true,
      });
      const name = loanStatuses[status];
      if (name === undefined) throw loansError("LOANS_LOG_UNREADABLE", `no name for loan status ${status}`);
      return { status: name, repayment_count, origination_s: Number(originated), scaled_balance };
    },
    decimals: async (to) => {
      try {
        const { data = "0x" } = await client.call({ to, data: decimalsCall });
        // Solidity reads the first word and takes no heed of what follows.
        const value = data.length < 66 ? null : BigInt(data.slice(0, 66));
        return value === null || value > 255n ? null : Number(value);
      } catch (error) {
        if (isNodesFault(error)) throw error;
        return null;
      }
    },
  };
}

/** Anything else is what came of running the contract, which may revert, burn its gas or answer nonsense. */
function isNodesFault(error: unknown): boolean {
  const isFault = (cause: unknown): boolean =>
    cause instanceof HttpRequestError ||
    cause instanceof TimeoutError ||
    cause instanceof LimitExceededRpcError;
  return !(error instanceof BaseError) || error.walk(isFault) !== null;
}

/** A block that is asked for by number, or the latest, is never the pending one, the only kind without a hash. */
function blockOf({
  number,
  hash,
  timestamp,
}: {
  number: bigint | null;
  hash: `0x${string}` | null;
  timestamp: bigint;
}): ChainBlock {
  if (number === null || hash === null)
    throw loansError("LOANS_RPC", "the node answered with a pending block");
  return { number: Number(number), hash, time_s: Number(timestamp) };
}
