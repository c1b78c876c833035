import { type Hex, keccak256, toHex } from "viem";
import type { LoanState } from "../../credit/schedule/loanState.js";
import type { ChainBlock, ChainLog, LoanChain } from "../loanChain.js";
import { type RawLog, testSettings } from "./loanLog.js";

type FakeBlock = ChainBlock & { logs: ChainLog[] };

/** A chain in memory that can be reorganized, and a node before it that can fail, lag and repeat itself. */
export type FakeChain = LoanChain & {
  /** One block more, with these logs. */
  mine(...logs: RawLog[]): ChainBlock;
  /** That many empty blocks more. */
  mineEmpty(count: number): void;
  /** Drops the newest blocks and mines these in their place, one list of logs a block. */
  reorg(depth: number, blocks: RawLog[][]): void;
  /** Logs that stand on the chain now, in order. */
  standing(): ChainLog[];
  /** Every range that was asked for. */
  readonly asked: [from: number, to: number][];
  /** Called before each answer; may throw, wait, or change the chain. */
  before: (method: keyof LoanChain, ...args: unknown[]) => void;
  /** What becomes of the true answer. */
  bendLogs: (logs: ChainLog[]) => ChainLog[];
  setState(loan: Hex, state: LoanState): void;
  setCalldata(log: RawLog, calldata: Hex): void;
};

export function createFakeChain(): FakeChain {
  const blocks: FakeBlock[] = [blockAt(0, "0x", 0, [])];
  const states = new Map<Hex, LoanState>();
  const calldata = new Map<Hex, Hex>();
  const calldataOf = new Map<RawLog, Hex>();
  const asked: [number, number][] = [];
  let salt = 0;

  function blockAt(number: number, parent: Hex, fork: number, logs: RawLog[]): FakeBlock {
    // A block's hash commits to its parent and to what is in it, as a real one's does.
    const content = JSON.stringify([number, parent, fork, logs]);
    const hash = keccak256(toHex(content));
    return {
      number,
      hash,
      time_s: 1_750_000_000 + number * 12,
      logs: logs.map((log, i) => {
        const tx_hash = keccak256(toHex(`${content}${i}`));
        const data = calldataOf.get(log);
        if (data !== undefined) calldata.set(tx_hash, data);
        return { ...log, block_number: number, block_hash: hash, log_index: i, tx_hash };
      }),
    };
  }

  function append(fork: number, logs: RawLog[]): ChainBlock {
    const parent = blocks.at(-1)!;
    const block = blockAt(parent.number + 1, parent.hash, fork, logs);
    blocks.push(block);
    return block;
  }

  const bare = ({ number, hash, time_s }: FakeBlock): ChainBlock => ({ number, hash, time_s });

  const fake: FakeChain = {
    asked,
    before: () => undefined,
    bendLogs: (logs) => logs,
    mine: (...logs) => append(0, logs),
    mineEmpty(count) {
      for (let i = 0; i < count; i += 1) append(0, []);
    },
    reorg(depth, lists) {
      salt += 1;
      blocks.splice(blocks.length - depth, depth);
      for (const logs of lists) append(salt, logs);
    },
    standing: () => blocks.flatMap(({ logs }) => logs),
    setState: (loan, state) => states.set(loan, state),
    setCalldata: (log, data) => calldataOf.set(log, data),

    async chainId() {
      fake.before("chainId");
      return testSettings.chain_id;
    },
    async head() {
      fake.before("head");
      return bare(blocks.at(-1)!);
    },
    async block(number) {
      fake.before("block", number);
      const block = blocks[number];
      return block === undefined ? null : bare(block);
    },
    async logs(from, to) {
      fake.before("logs", from, to);
      asked.push([from, to]);
      return fake.bendLogs(
        fake.standing().filter(({ block_number }) => block_number >= from && block_number <= to),
      );
    },
    async calldata(tx_hash) {
      fake.before("calldata", tx_hash);
      return calldata.get(tx_hash) ?? null;
    },
    async loanState(loan, block_hash) {
      fake.before("loanState", loan);
      if (!blocks.some(({ hash }) => hash === block_hash)) throw new Error("no longer canonical");
      return (
        states.get(loan) ?? {
          status: "active",
          repayment_count: 0,
          origination_s: 1_750_000_000,
          scaled_balance: 1n,
        }
      );
    },
    async decimals() {
      fake.before("decimals");
      return 6;
    },
  };
  return fake;
}
