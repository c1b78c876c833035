import { CaliberError } from "../../protocol/errors.js";

export type Fees = { max_fee_wei: bigint; max_priority_fee_wei: bigint };

export type FeeInputs = {
  base_fee_wei: bigint;
  /** What the node suggests as priority fee. */
  tip_wei: bigint;
  cap_wei: bigint;
  /** Fees of the transaction with the same nonce that is to be replaced; null for a new one. */
  replaces: Fees | null;
};

/**
 * EIP-1559 fees: twice the base fee lasts for six full blocks. A replacement pays an eighth more on both, above the
 * tenth that nodes ask for.
 *
 * @throws CaliberError CHAIN_FEE_CAP when the cap is below the base fee or below what a replacement needs
 */
export function feesFor({ base_fee_wei, tip_wei, cap_wei, replaces }: FeeInputs): Fees {
  const overCap = (what: string) =>
    new CaliberError("CHAIN_FEE_CAP", `${what} passes the cap of ${cap_wei} wei`, {
      disposition: "retryable",
    });
  if (base_fee_wei > cap_wei) throw overCap(`the base fee of ${base_fee_wei} wei`);
  const least = replaces === null ? { max_fee_wei: 0n, max_priority_fee_wei: 0n } : bumped(replaces);
  if (least.max_fee_wei > cap_wei) throw overCap(`a replacement at ${least.max_fee_wei} wei`);
  const wanted = 2n * base_fee_wei + tip_wei;
  const max_fee_wei = max(least.max_fee_wei, min(wanted, cap_wei));
  return { max_fee_wei, max_priority_fee_wei: min(max_fee_wei, max(least.max_priority_fee_wei, tip_wei)) };
}

function bumped({ max_fee_wei, max_priority_fee_wei }: Fees): Fees {
  const eighthMore = (wei: bigint) => (wei * 9n) / 8n + 1n;
  return { max_fee_wei: eighthMore(max_fee_wei), max_priority_fee_wei: eighthMore(max_priority_fee_wei) };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
