import type { SmActivity } from "./createSmActivity.js";

/** A GPU that NVML gave a handle for. */
export type Device = {
  handle: bigint;
  index: number;
  uuid: string;
  bus_id: string | null;
  sm_activity: SmActivity | null;
};
