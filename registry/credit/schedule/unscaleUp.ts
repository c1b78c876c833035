/** From 18 decimals to the currency's units, rounded up: what a borrower pays. */
export function unscaleUp(scaled: bigint, scale: bigint): bigint {
  return (scaled + scale - 1n) / scale;
}
