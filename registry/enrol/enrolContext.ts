import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import type { Ca } from "./createCa.js";
import type { Nonces } from "./createNonces.js";
import type { TpmChallenges } from "./createTpmChallenges.js";
import type { EnrolStore } from "./enrolStore.js";
import type { TpmRoots } from "./tpmRoots.js";

/** What a registry tells every host that it takes in. */
export type EnrolTerms = Pick<
  EnrolAnswer,
  "registry_spki" | "registry_keys" | "mqtt_url" | "log_origin" | "window_ms"
>;

export type EnrolContext = {
  store: EnrolStore;
  ca: Ca;
  terms: EnrolTerms;
  nonces: Nonces;
  /** Makers whose TPMs are trusted, or null for none: then only a token can name a TPM. */
  tpmRoots: TpmRoots | null;
  tpmChallenges: TpmChallenges;
  /** Lifetime of a client certificate. */
  certificate_ms: number;
  now_ms: () => number;
};
