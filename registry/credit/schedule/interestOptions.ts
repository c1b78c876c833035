import { decodeAbiParameters, encodeAbiParameters, type Hex } from "viem";
import { scheduleError } from "./scheduleError.js";

/** Options of both interest models. */
export type InterestOptions = {
  /** The stub window repays principal too; otherwise it is interest only. */
  stub_pays_principal: boolean;
  grace_period_s: bigint;
  /** Per second, scaled by 1e18, on top of the window's interest. */
  grace_rate: bigint;
};

const parameters = [{ type: "bool" }, { type: "uint64" }, { type: "uint256" }] as const;

export function encodeInterestOptions(options: InterestOptions): Hex {
  return encodeAbiParameters(parameters, [
    options.stub_pays_principal,
    options.grace_period_s,
    options.grace_rate,
  ]);
}

/**
 * Reads `abi.encode(bool, uint64, uint256)`. Like Solidity, takes bytes after the last word.
 * @throws CaliberError MODEL_OPTIONS
 */
export function decodeInterestOptions(bytes: Hex): InterestOptions {
  try {
    const [stub_pays_principal, grace_period_s, grace_rate] = decodeAbiParameters(parameters, bytes);
    const options = { stub_pays_principal, grace_period_s, grace_rate };
    // viem drops stray high bits where Solidity reverts.
    if (!bytes.toLowerCase().startsWith(encodeInterestOptions(options))) throw new Error("stray bits");
    return options;
  } catch (cause) {
    throw scheduleError("MODEL_OPTIONS", "the interest model cannot decode its options", { cause });
  }
}
