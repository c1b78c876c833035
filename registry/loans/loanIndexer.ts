import type { Logger } from "pino";
import { findLoanTerms } from "../credit/loanTerms/findLoanTerms.js";
import type { ChainBlock, LoanChain } from "./loanChain.js";
import type { LoanSettings } from "./loanSettings.js";
import type { LoanStore } from "./loanStore.js";
import { loansError } from "./loansError.js";
import { readLogs } from "./readLogs.js";
import { tellingRpc } from "./tellingRpc.js";

/** `behind`: there is more to read at once. `current`: the chain was read to its end. */
export type IndexerStep = "behind" | "current";

export type LoanIndexer = {
  /**
   * One round: hold the past against the chain, read on by one range or read the chain's end anew. Each reading is one
   * transaction, so a kill or an error at any point leaves the place from which the next round goes on.
   * @throws CaliberError of LoansErrorCode
   */
  step(): Promise<IndexerStep>;
};

/** Loans whose state or terms are asked for in one round. */
const asked_at_once = 64;

/**
 * Reads what router and timelock say. Blocks deeper than `depth_blocks` are read once and kept; the window above is
 * read whole in every round and replaces what was there, so a reorganisation within it leaves nothing behind, and a
 * log that a lagging node kept back is found by a later reading, at the latest when its block becomes confirmed.
 * A reorganisation deeper than that throws away what no longer stands and reads it again.
 */
export function createLoanIndexer(options: {
  chain: LoanChain;
  store: LoanStore;
  settings: LoanSettings;
  log: Logger;
  now_ms: () => number;
}): LoanIndexer {
  const { store, settings, log, now_ms } = options;
  const chain = tellingRpc(options.chain);
  const { depth_blocks, range_blocks } = settings;
  let isChainChecked = false;
  let range = range_blocks;
  /** Transactions that were looked at and hold no terms. */
  const barren = new Set<string>();

  async function checkChain(): Promise<void> {
    const chain_id = await chain.chainId();
    if (chain_id !== settings.chain_id) {
      throw loansError("LOANS_CHAIN_WRONG", `the node serves chain ${chain_id}, not ${settings.chain_id}`);
    }
    isChainChecked = true;
  }

  async function isOnChain({ number, hash }: { number: number; hash: string | null }): Promise<boolean> {
    if (hash === null) return true;
    const block = await chain.block(number);
    // No answer is not another answer: nothing is thrown away for it.
    if (block === null) throw behind(`it has no block ${number}`);
    return block.hash === hash;
  }

  async function checkPast(head: ChainBlock): Promise<void> {
    const { head: before, confirmed } = store.cursor();
    // A lower head is a node that lags: to follow it would unsay what is known. A shorter fork grows past it or goes.
    if (head.number < Math.max(before?.number ?? 0, confirmed.hash === null ? 0 : confirmed.number)) {
      throw behind(`its newest block is ${head.number}`);
    }
    if (before !== null && !(await isOnChain(before)))
      log.info({ block: before.number }, "the chain was reorganized");
    if (await isOnChain(confirmed)) return;
    let to = { number: settings.start_block - 1, hash: null as ChainBlock["hash"] | null };
    for (const mark of store.marks()) {
      if (!(await isOnChain(mark))) continue;
      to = mark;
      break;
    }
    store.rollBack(to);
    log.error({ from: confirmed.number, to: to.number }, "a reorganization deeper than the confirmed depth");
  }

  /** Reads the next confirmed range; false when there is none. */
  async function readConfirmed(target: number): Promise<boolean> {
    const { confirmed } = store.cursor();
    if (confirmed.number >= target) return false;
    const from = confirmed.number + 1;
    const to = Math.min(target, confirmed.number + range);
    try {
      const end = await chain.block(to);
      if (end === null) throw behind(`it has no block ${to}`);
      const logs = await readLogs(chain, settings, from, end, store.held(from, to));
      const { removed, added } = store.confirm(from, end, logs);
      if (removed > 0) log.warn({ from, to, removed, added }, "logs differ from their first reading");
    } catch (error) {
      // Nodes bound a range by blocks, by answers or by time, each in words of its own.
      range = Math.max(1, Math.floor(range / 2));
      throw error;
    }
    range = Math.min(range_blocks, range * 2);
    return true;
  }

  async function readWindow(head: ChainBlock): Promise<void> {
    const after = store.cursor().confirmed.number;
    const read_ms = now_ms();
    const logs = await readLogs(chain, settings, after + 1, head, store.held(after + 1, head.number));
    const { removed } = store.replaceWindow(after, head, logs, read_ms);
    if (removed > 0) log.info({ removed }, "unconfirmed logs are gone from the chain");
  }

  /** Routers before v1.2 log no terms; the transaction that originated the loan holds them. */
  async function findTerms(): Promise<void> {
    const wanted = store.withoutTerms().filter(({ loan, tx_hash }) => !barren.has(`${loan}${tx_hash}`));
    for (const { loan, tx_hash } of wanted.slice(0, asked_at_once)) {
      const calldata = await chain.calldata(tx_hash);
      const terms = calldata === null ? null : findLoanTerms(calldata, loan, settings.chain_id);
      if (terms !== null) store.learnTerms(terms);
      else {
        barren.add(`${loan}${tx_hash}`);
        log.warn({ loan, tx: tx_hash }, "the loan's terms are not in its transaction");
      }
    }
  }

  async function readStates(head: ChainBlock): Promise<void> {
    for (const loan of store.withoutState(asked_at_once)) {
      const terms = store.terms([loan]).get(loan) ?? null;
      const decimals = terms === null ? null : await chain.decimals(terms.currency_token);
      const state = await chain.loanState(loan, head.hash);
      store.putState(loan, { ...state, block_number: head.number, decimals });
    }
  }

  return {
    async step() {
      if (!isChainChecked) await checkChain();
      const head = await chain.head();
      await checkPast(head);
      const target = head.number - depth_blocks;
      if (await readConfirmed(target)) {
        if (store.cursor().confirmed.number < target) return "behind";
      }
      if (head.number >= settings.start_block) {
        await readWindow(head);
        await findTerms();
        await readStates(head);
      }
      return "current";
    },
  };
}

function behind(reason: string): Error {
  return loansError("LOANS_NODE_BEHIND", `the node is behind what was read before: ${reason}`);
}
