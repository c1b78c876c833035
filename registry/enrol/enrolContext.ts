import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import type { Ca } from "./createCa.js";
import type { Nonces } from "./createNonces.js";
import type { EnrolStore } from "./enrolStore.js";

/** What a registry tells every host that it takes in. */
export type EnrolTerms = Pick<EnrolAnswer, "registry_spki" | "mqtt_url" | "log_origin" | "window_ms">;

export type EnrolContext = {
  store: EnrolStore;
  ca: Ca;
  terms: EnrolTerms;
  nonces: Nonces;
  /** Lifetime of a client certificate. */
  certificate_ms: number;
  now_ms: () => number;
};
