import { decodeAbiParameters, encodeAbiParameters, type Hex } from "viem";
import { fixedPoint } from "./fixedPoint.js";
import { scheduleError } from "./scheduleError.js";

/** `rate` is a share on a scale of 1e18, of the outstanding balance or of the amount that the fee is charged on. */
export type RatioFee = { of: "balance" | "amount"; rate: bigint };

const ratio = [{ type: "uint8" }, { type: "uint256" }] as const;
const absolute = [{ type: "uint256" }] as const;

export function encodeRatioFee({ of, rate }: RatioFee): Hex {
  return encodeAbiParameters(ratio, [of === "balance" ? 0 : 1, rate]);
}

/**
 * Reads the ratio fee model's `abi.encode(uint8 mode, uint256 rate)`.
 * @throws CaliberError MODEL_OPTIONS, also for a rate over 100 %, which the model refuses at origination
 */
export function decodeRatioFee(bytes: Hex): RatioFee {
  return decoded(() => {
    const [mode, rate] = decodeAbiParameters(ratio, bytes);
    if (mode > 1 || rate > fixedPoint) throw new Error(`mode ${mode}, rate ${rate}`);
    const fee: RatioFee = { of: mode === 0 ? "balance" : "amount", rate };
    // viem drops stray high bits where Solidity reverts.
    if (!bytes.toLowerCase().startsWith(encodeRatioFee(fee))) throw new Error("stray bits");
    return fee;
  });
}

export function encodeAbsoluteFee(amount: bigint): Hex {
  return encodeAbiParameters(absolute, [amount]);
}

/**
 * Reads the absolute fee model's `abi.encode(uint256 amount)`, in the currency's units.
 * @throws CaliberError MODEL_OPTIONS
 */
export function decodeAbsoluteFee(bytes: Hex): bigint {
  return decoded(() => decodeAbiParameters(absolute, bytes)[0]);
}

function decoded<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw scheduleError("MODEL_OPTIONS", "the fee model refuses its options", { cause });
  }
}
