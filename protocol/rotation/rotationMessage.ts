/** Before the two ids: what is signed under it can be taken for nothing else. */
const domain = "caliber/rotation/v1\n";

/**
 * What the next key signs (ES256) to show that it is there and takes over from `device`: `caliber/rotation/v1` ‖ LF ‖
 * device_id (32) ‖ the successor's device_id (32).
 */
export function rotationMessage(device: string, successor: string): Buffer {
  return Buffer.concat([Buffer.from(domain), Buffer.from(device, "hex"), Buffer.from(successor, "hex")]);
}
