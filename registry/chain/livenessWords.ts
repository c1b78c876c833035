import { type Hex, numberToHex } from "viem";

const pageTokens = 224n;

/** The page of CaliberHealth's liveness bitmap that a token is on. */
export function pageOf(token_id: bigint): bigint {
  return token_id / pageTokens;
}

/** One word for each of the pages, by page: its number, and a bit for each of these tokens that is on it. */
export function livenessWords(tokens: Iterable<bigint>, pages: ReadonlySet<bigint>): Hex[] {
  const bits = new Map([...pages].sort((a, b) => (a < b ? -1 : 1)).map((page) => [page, 0n]));
  for (const token_id of tokens) {
    const page = pageOf(token_id);
    const before = bits.get(page);
    if (before !== undefined) bits.set(page, before | (1n << (token_id % pageTokens)));
  }
  return [...bits].map(([page, set]) => numberToHex((page << pageTokens) | set, { size: 32 }));
}
