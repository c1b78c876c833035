import { scheduleError } from "./scheduleError.js";

/** What a currency's units are multiplied with to get 18 decimals. Throws CaliberError CURRENCY_DECIMALS. */
export function currencyScale(decimals: number): bigint {
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 18) {
    throw scheduleError("CURRENCY_DECIMALS", `the router takes no currency with ${decimals} decimals`);
  }
  return 10n ** BigInt(18 - decimals);
}
