import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

/** `sun_path` of Linux holds 108 bytes with the closing zero. */
const longest = 107;
const name = "control.sock";

/**
 * A path for the control socket that fits a socket address, whatever the data directory is called: a long one is
 * reached through an open descriptor.
 */
export function socketPath(data_dir: string): { path: string; release(): void } {
  const plain = join(data_dir, name);
  if (Buffer.byteLength(plain) <= longest) return { path: plain, release: () => undefined };
  const fd = openSync(data_dir, "r");
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => closeSync(fd) };
}
