import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { encodeEnrolToken } from "../protocol/enrol/enrolToken.js";
import { secretHash } from "../protocol/enrol/secretHash.js";
import { CaliberError } from "../protocol/errors.js";
import { databasePath } from "./databasePath.js";
import { caHash } from "./enrol/caHash.js";
import { insertToken } from "./enrol/insertToken.js";
import { openCa } from "./enrol/openCa.js";
import { loadRegistryKeys } from "./keys/registryKeys.js";
import { openDatabase } from "./store/openDatabase.js";

/**
 * Makes a single-use enrolment token for a registry's data directory; may run beside the registry. The store keeps
 * SHA-256 of the secret alone, so the token is shown once.
 *
 * @throws CaliberError RECIPIENT_INVALID, URL_INVALID, EK_HASH_INVALID
 */
export function createEnrolToken(options: {
  data_dir: string;
  /** Where the enrolment listener is reached, https://… */
  url: string;
  /** Address that the tokens of the enrolled devices are minted to, lower case. */
  recipient: string;
  operator: string;
  valid_ms: number;
  /** SHA-256 of the endorsement keys (SPKI DER) of which one must come with this token; none asks for no TPM. */
  ek_sha256?: readonly string[];
  now_ms: number;
}): string {
  const recipient = options.recipient.toLowerCase();
  if (!/^0x[0-9a-f]{40}$/.test(recipient)) {
    throw new CaliberError("RECIPIENT_INVALID", "the recipient is a 20-byte address, 0x…", {
      disposition: "user",
    });
  }
  if (!URL.canParse(options.url) || new URL(options.url).protocol !== "https:") {
    throw new CaliberError("URL_INVALID", "enrolment is reached by an address such as https://host:8443", {
      disposition: "user",
    });
  }
  const ek_sha256 = options.ek_sha256 ?? [];
  if (!ek_sha256.every((key) => /^[0-9a-f]{64}$/.test(key))) {
    throw new CaliberError(
      "EK_HASH_INVALID",
      "an endorsement key is named by 64 lower-case hex digits (SHA-256)",
      {
        disposition: "user",
      },
    );
  }
  const keys = loadRegistryKeys(join(options.data_dir, "keys"));
  const ca = openCa(join(options.data_dir, "ca"), {
    commonName: "caliber registry CA",
    now_ms: options.now_ms,
  });
  const secret = randomBytes(32).toString("base64url");
  const db = openDatabase(databasePath(options.data_dir));
  try {
    insertToken(db, secretHash(secret), {
      expires_ms: options.now_ms + options.valid_ms,
      recipient,
      operator: options.operator,
      ek_sha256,
      made_ms: options.now_ms,
    });
  } finally {
    db.close();
  }
  return encodeEnrolToken({
    url: options.url,
    ca_sha256: caHash(ca.certificate),
    registry_sha256: keys.receiptId,
    secret,
  });
}
