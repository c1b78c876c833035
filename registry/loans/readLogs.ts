import { allDone } from "../chain/allDone.js";
import type { ChainBlock, ChainLog, LoanChain } from "./loanChain.js";
import type { LoanSettings } from "./loanSettings.js";
import { loansError } from "./loansError.js";
import type { TimedLog } from "./logTable.js";

/**
 * The logs of a range that ends with the block `end`, each once, in the chain's order, with their blocks' times. Logs and
 * blocks are read apart, so the range counts only if its end and every block with a log are still the same afterwards.
 * @throws CaliberError LOANS_REORG_DURING_READ, LOANS_LOG_REFUSED, and whatever the chain's port throws
 */
export async function readLogs(
  chain: LoanChain,
  settings: LoanSettings,
  from: number,
  end: ChainBlock,
): Promise<TimedLog[]> {
  const logs = distinct(await chain.logs(from, end.number), settings, from, end.number);
  const numbers = new Set([...logs.map(({ block_number }) => block_number), end.number]);
  const blocks = await allDone([...numbers].map((number) => chain.block(number)));
  const byNumber = new Map(
    blocks.flatMap((block) => (block === null ? [] : [[block.number, block] as const])),
  );
  if (byNumber.get(end.number)?.hash !== end.hash) throw changed(end.number);
  return logs.map((log) => {
    const block = byNumber.get(log.block_number);
    if (block === undefined || block.hash !== log.block_hash) throw changed(log.block_number);
    return { ...log, time_s: block.time_s };
  });
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
