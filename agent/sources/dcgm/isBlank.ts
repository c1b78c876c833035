import { decimalOf } from "./decimalOf.js";

/** dcgm_structs.h: blank, not found, not supported, not permitted follow each other, once for each type of number. */
const firstBlanks = [0x7ffffff0n, 140_737_488_355_328n];
/** The 64-bit ones, also when something between wrote them as a float. */
const blank64 = 9_223_372_036_854_774_000n;

/** True for DCGM's ways of saying that there is no value, and for NaN and infinities. */
export function isBlank(value: string): boolean {
  const whole = decimalOf(value);
  if (whole === null || whole >= blank64) return true;
  return firstBlanks.some((first) => whole >= first && whole < first + 4n);
}
