/** Where a device's chain stands: its latest report. */
export type ChainHead = {
  seq: number;
  /** Statement hash, lower-case hex. */
  statement: string;
  /** End of the latest window; the next one starts no earlier. */
  window_end_ms: number;
};

/** `prev` of the first report of a chain. */
export const genesisPrev = "0".repeat(64);
