import type { DeviceFold } from "../health/deviceFold.js";
import { waitsForSilicon } from "../health/waitsForSilicon.js";

export type ReplacementObstacle = {
  code:
    | "TOKEN_UNKNOWN"
    | "DEVICE_UNKNOWN"
    | "REPLACEMENT_DONE"
    | "DEVICE_TITLED"
    | "DEVICE_ROTATED"
    | "DEVICE_RETIRED"
    | "DEVICE_REPLACED"
    | "HOST_REVOKED"
    | "DEVICE_DISPUTED"
    | "INVENTORY_MISSING"
    | "SILICON_AWAITED";
  text: string;
  /** Whether waiting helps, or a decision that does not touch the order. */
  passes: boolean;
};

/**
 * What, as far as the registry knows, keeps a device from standing in behind a token; null for nothing.
 *
 * @param former who has the token
 * @param fold whose key the device is, or was before it was rotated
 * @param isRevoked asked last: it is read from the store
 */
export function replacementObstacle(
  { token_id, device }: { token_id: string; device: string },
  former: DeviceFold | undefined,
  fold: DeviceFold | undefined,
  isRevoked: (host: string) => boolean,
): ReplacementObstacle | null {
  const lasting = (code: ReplacementObstacle["code"], text: string) => ({ code, text, passes: false });
  const passing = (code: ReplacementObstacle["code"], text: string) => ({ code, text, passes: true });
  if (former === undefined)
    return lasting("TOKEN_UNKNOWN", `no device of this registry has token ${token_id}`);
  if (fold === undefined) return lasting("DEVICE_UNKNOWN", `no device ${device} is enrolled`);
  if (fold.device === former.device) {
    return lasting("REPLACEMENT_DONE", `token ${token_id} stands for this device already`);
  }
  if (fold.device !== device) {
    return lasting("DEVICE_ROTATED", `the device has rotated its key: it is ${fold.device} now`);
  }
  if (fold.token !== null) {
    return lasting("DEVICE_TITLED", `the device has token ${fold.token.token_id} of its own`);
  }
  if (fold.retired !== null) return lasting("DEVICE_RETIRED", "the device is retired");
  if (fold.replaced_key === fold.device) {
    return lasting(
      "DEVICE_REPLACED",
      "the device's key had a token, which another took over: rotate it first",
    );
  }
  if (isRevoked(fold.host)) return lasting("HOST_REVOKED", `the device's host ${fold.host} is revoked`);
  if (fold.dispute !== null) return passing("DEVICE_DISPUTED", `the device is in dispute: ${fold.dispute}`);
  if (fold.inventory === null) return passing("INVENTORY_MISSING", "the device has not said yet what it is");
  if (waitsForSilicon(fold)) {
    return passing("SILICON_AWAITED", "the device's GPU is being asked to prove itself");
  }
  return null;
}
