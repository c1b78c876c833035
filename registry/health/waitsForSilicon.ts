import type { DeviceFold } from "./deviceFold.js";

/**
 * A title made before its GPU could answer would say "declared" for good: the first challenge is waited for. Simulated
 * GPUs have nothing to show.
 */
export const waitsForSilicon = ({ simulated, challenged_ms, challenge }: DeviceFold): boolean =>
  !simulated && (challenged_ms === null || challenge !== null);
