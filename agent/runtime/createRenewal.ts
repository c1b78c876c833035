import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import { CaliberError } from "../../protocol/errors.js";
import { followRegistryKey } from "../../protocol/registryKey/followRegistryKey.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
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
  /**
   * Goes over to the registry's next key; false when the change leads no further. On disk when it returns.
   *
   * @throws CaliberError REGISTRY_KEY_CHANGE_INVALID
   */
  follow(change: RegistryKeyChange): boolean;
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

  const keep = (answer: Partial<EnrolAnswer>): void => {
    const moved = answer.registry_spki !== undefined && answer.registry_spki !== identity.registry_spki;
    const former = moved ? { registry_former: identity.registry_spki } : {};
    // How the key came to hold has been checked, and is told again when it matters.
    const { registry_keys: _, ...kept } = answer;
    identity = { ...identity, ...former, ...kept };
    file.save(identity);
    if (moved) log.info("the registry signs with its next key from now on");
  };

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
    keep(answer);
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
    follow(change) {
      const { registry_spki, log_origin } = identity;
      const next = followRegistryKey(registry_spki, "receipt", log_origin, [change]);
      if (next === registry_spki) return false;
      keep({ registry_spki: next });
      return true;
    },
    renew() {
      running ??= renewOnce().finally(() => {
        running = null;
      });
      return running;
    },
  };
}
