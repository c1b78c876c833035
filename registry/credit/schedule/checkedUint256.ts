import { scheduleError } from "./scheduleError.js";

const limit = 2n ** 256n;

/**
 * The value, if Solidity's checked arithmetic could hold it. Terms are written by strangers, and where the contract
 * reverts nothing is due: a number from here would be an invention.
 * @throws CaliberError SCHEDULE_OVERFLOW
 */
export function checkedUint256(value: bigint): bigint {
  if (value < 0n || value >= limit) {
    throw scheduleError("SCHEDULE_OVERFLOW", "the contract's arithmetic overflows with these terms");
  }
  return value;
}
