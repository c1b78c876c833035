import type { SigningKey } from "../keys/keyStore.js";
import type { Dropped } from "../spool/spool.js";
import type { DeviceMonitor } from "./createDeviceMonitor.js";

/** One GPU in service, as the agent's core keeps it. Its key changes with a rotation. */
export type Device = {
  readonly uuid: string;
  device: string;
  key: SigningKey;
  readonly monitor: DeviceMonitor;
  /** True once it is known where the chain goes on. */
  placed: boolean;
  /** Dropped reports that no gap has told of yet. */
  untold: Dropped | null;
  last_receipt_ms: number | null;
};
