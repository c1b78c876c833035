import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { CaliberError } from "../../protocol/errors.js";
import type { Identity } from "../enrol/identity.js";
import type { IdentityFile } from "../enrol/identityFile.js";
import { registryPinOf } from "../enrol/registryPinOf.js";
import { renewAt } from "../enrol/renewAt.js";
import type { KeyStore } from "../keys/keyStore.js";

export type Renewal = {
  identity(): Identity;
  /** True from two thirds of the certificate's lifetime on. */
  isDue(): boolean;
  hasExpired(): boolean;
  /** Keeps which GPUs are in service, and under which keys. */
  setDevices(devices: Identity["devices"]): void;
  /** Gets and keeps the next certificate; calls made meanwhile share the one request. */
  renew(): Promise<void>;
};

/** The host's certificate over time. What the registry may change at a renewal is its addresses and its terms. */
export function createRenewal(options: {
  file: IdentityFile;
  keys: KeyStore;
  now_ms: () => number;
  random: () => number;
  log: Logger;
}): Renewal {
  const { file, keys, now_ms, random, log } = options;
  let identity = file.load();
  let due_ms = renewAt(identity.certificate, random());
  let running: Promise<void> | null = null;

  const renewOnce = async (): Promise<void> => {
    // Loaded when needed: a renewal is rare, and HTTPS and the X.509 codec take memory.
    const { renewIdentity } = await import("../enrol/renewIdentity.js");
    const { enrol_url: url, ca } = identity;
    const answer = await renewIdentity({ url, keys, ca, registry_sha256: registryPinOf(identity) });
    // Consents are given for these; a change of them is a new enrolment.
    if (answer.recipient !== identity.recipient || answer.log_origin !== identity.log_origin) {
      throw new CaliberError(
        "RENEWAL_CHANGES_TERMS",
        "the registry names another recipient or log than at enrolment",
      );
    }
    identity = { ...identity, ...answer };
    file.save(identity);
    due_ms = renewAt(identity.certificate, random());
    log.info({ due_ms }, "the host's certificate was renewed");
  };
  return {
    identity: () => identity,
    setDevices(devices) {
      identity = { ...identity, devices };
      file.save(identity);
    },
    isDue: () => now_ms() >= due_ms,
    hasExpired: () => now_ms() >= Date.parse(new X509Certificate(identity.certificate).validTo),
    renew() {
      running ??= renewOnce().finally(() => {
        running = null;
      });
      return running;
    },
  };
}
