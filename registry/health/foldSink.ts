import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import type { ChainBody, KeyBody } from "../../protocol/log/entryBodies.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { Outage, Standing, Stretch } from "./account.js";
import type { AcceptedReport } from "./applyReport.js";
import type { DeviceFold, EndedKey } from "./deviceFold.js";

/** Where the fold puts what it derives. It calls in log order and never reads back. */
export type FoldSink = {
  host(body: Extract<KeyBody, { type: "enrol" }>): void;
  hostRevoked(host: string): void;
  device(fold: DeviceFold, spki: string): void;
  /** A key of the device signs no more; `successor_spki` (base64) is that of the one now in force, null when there is none. */
  keyEnded(fold: DeviceFold, ended: EndedKey, successor_spki: string | null): void;
  /** A key of the registry itself handed over, by the entry `idx`. */
  registryKey(idx: number, change: RegistryKeyChange): void;
  /** The device's record changed. */
  changed(fold: DeviceFold): void;
  /** A report took its place in the chain; `standing` is what its window counts as. */
  report(fold: DeviceFold, accepted: AcceptedReport, standing: Standing): void;
  stretch(fold: DeviceFold, stretch: Stretch): void;
  event(fold: DeviceFold, event: CaliberEvent): void;
  beacon(body: Extract<ChainBody, { type: "beacon" }>): void;
  outage(outage: Outage): void;
};
