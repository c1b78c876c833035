import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import type { KeyStoreChoice } from "../keys/openKeyStore.js";

/** What a host became by enrolling: whom it speaks to, as whom, and for which GPUs. Kept as `identity.json`. */
export type Identity = EnrolAnswer & {
  v: 1;
  /** Where renewals are asked for. */
  enrol_url: string;
  label: string;
  /** True when the host's GPUs are a simulator's: every report says so. */
  simulated: boolean;
  /** Where the keys are. */
  keys: KeyStoreChoice;
  /** The registry's receipt key before the present one. */
  registry_former?: string;
  devices: { uuid: string; device: string }[];
};
