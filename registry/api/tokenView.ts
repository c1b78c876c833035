import type { DeviceFold } from "../health/deviceFold.js";

/** A device's token as the API tells it: what the fold keeps beside it is nobody else's. */
export function tokenView({ chain_id, contract, token_id, tx }: NonNullable<DeviceFold["token"]>) {
  return { chain_id, contract, token_id, tx };
}
