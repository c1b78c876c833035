import { allDone } from "../chain/allDone.js";
import type { ChainBlock, ChainLog, LoanChain } from "./loanChain.js";
import type { LoanSettings } from "./loanSettings.js";
import { loansError } from "./loansError.js";
import type { TimedLog } from "./logTable.js";

/** Where a log stands that an earlier reading found. */
export type HeldLog = Pick<ChainLog, "block_number" | "block_hash" | "log_index">;

/**
 * The logs of a range that ends with the block `end`, each once, in the chain's order, with their blocks' times. Logs and
 * blocks are read apart, so the range counts only if its end and every block with a log are still the same afterwards.
 * What an earlier reading found in a block that is still on the chain cannot be gone: `held` holds the node to that.
 * @throws CaliberError LOANS_REORG_DURING_READ, LOANS_LOG_REFUSED, LOANS_LOG_WITHHELD, and what the chain's port throws
 */
export async function readLogs(
  chain: LoanChain,
  settings: LoanSettings,
  from: number,
  end: ChainBlock,
  held: HeldLog[],
): Promise<TimedLog[]> {
  const logs = distinct(await chain.logs(from, end.number), settings, from, end.number);
  const found = new Set(logs.map(placeOf));
  const missing = held.filter((log) => !found.has(placeOf(log)));
  const numbers = new Set([...logs, ...missing].map(({ block_number }) => block_number).concat(end.number));
  const blocks = await allDone([...numbers].map((number) => chain.block(number)));
  const byNumber = new Map(
    blocks.flatMap((block) => (block === null ? [] : [[block.number, block] as const])),
  );
  if (byNumber.get(end.number)?.hash !== end.hash) throw changed(end.number);
  for (const { block_number, block_hash } of missing) {
    if (byNumber.get(block_number)?.hash !== block_hash) continue;
    throw loansError("LOANS_LOG_WITHHELD", `a log of block ${block_number} is kept back by the node`);
  }
  return logs.map((log) => {
    const block = byNumber.get(log.block_number);
    if (block === undefined || block.hash !== log.block_hash) throw changed(log.block_number);
    return { ...log, time_s: block.time_s };
  });
}

function placeOf({ block_hash, log_index }: HeldLog): string {
  return `${block_hash}:${log_index}`;
}

/** A node may say a thing twice; it may not say two things of one place, nor what nobody asked for. */
function distinct(logs: ChainLog[], settings: LoanSettings, from: number, to: number): ChainLog[] {
  const byPlace = new Map<string, ChainLog>();
  for (const log of logs) {
    const { address, block_number, log_index } = log;
    if (block_number < from || block_number > to) throw refused(`block ${block_number} was not asked for`);
    if (address !== settings.router && address !== settings.timelock) {
      throw refused(`${address} is neither router nor timelock`);
    }
    const key = `${block_number}:${log_index}`;
    const twin = byPlace.get(key);
    if (twin !== undefined && twin.block_hash !== log.block_hash) throw changed(block_number);
    if (twin !== undefined && !isSame(twin, log)) throw refused(`two logs at ${key}`);
    byPlace.set(key, log);
  }
  return [...byPlace.values()].sort((a, b) => a.block_number - b.block_number || a.log_index - b.log_index);
}

function isSame(a: ChainLog, b: ChainLog): boolean {
  return (
    a.address === b.address &&
    a.tx_hash === b.tx_hash &&
    a.data === b.data &&
    a.topics.join() === b.topics.join()
  );
}

function changed(number: number): Error {
  return loansError("LOANS_REORG_DURING_READ", `block ${number} changed while it was read`);
}

function refused(reason: string): Error {
  return loansError("LOANS_LOG_REFUSED", `the node's answer is refused: ${reason}`);
}
