export type KmsgRecord = {
  /** Counts every record since boot. */
  seq: number;
  /** Since boot, by the clock that printk uses; it may drift from the others by seconds a day. */
  at_us: number;
  /** What the kernel printed; an embedded line feed parts two lines. */
  text: string;
};

const form = /^(\d{1,6}),(\d{1,15}),(\d{1,15}),[^;\n]{0,64};([^\n]*)/;

/**
 * Reads one record of /dev/kmsg: `priority,sequence,microseconds,flags;text`, then lines with a dictionary (kernel:
 * Documentation/ABI/testing/dev-kmsg). Null for a record that the kernel did not print itself: programs can write there
 * too, but not as facility 0.
 */
export function parseKmsgRecord(raw: string): KmsgRecord | null {
  const match = form.exec(raw);
  if (match === null || Number(match[1]) >> 3 !== 0) return null;
  const text = match[4]!.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return { seq: Number(match[2]), at_us: Number(match[3]), text };
}
