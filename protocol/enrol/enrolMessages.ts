import { type Static, Type } from "@sinclair/typebox";
import type { RegistryKeyChange } from "../registryKey/registryKeyChange.js";

const hash = Type.String({ pattern: "^[0-9a-f]{64}$" });
const base64 = (maxLength: number) => Type.String({ pattern: "^[A-Za-z0-9+/]+={0,2}$", maxLength });

/**
 * What the host signs with its transport key (payload type enrol-host). `token` is SHA-256 of the token's secret,
 * so the signed statement can be shown without giving the secret away.
 */
export const enrolHostSchema = Type.Object(
  {
    v: Type.Literal(1),
    token: hash,
    host_spki: base64(160),
    /** For people; not an identity. */
    label: Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$" }),
    simulated: Type.Boolean(),
    devices: Type.Array(hash, { minItems: 1, maxItems: 64, uniqueItems: true }),
  },
  { additionalProperties: false },
);
export type EnrolHost = Static<typeof enrolHostSchema>;

/** What each device key signs (payload type enrol-device): it belongs to this host, under this token. */
export const enrolDeviceSchema = Type.Object(
  { v: Type.Literal(1), token: hash, host_spki: base64(160), device_spki: base64(160) },
  { additionalProperties: false },
);
export type EnrolDevice = Static<typeof enrolDeviceSchema>;

/** Who a TPM is. SPKI and certificate are DER; `ak` is the TPMT_PUBLIC of its attestation key. */
const endorsement = {
  ek_spki: base64(800),
  /** By the TPM's maker; left out where the TPM holds none. */
  ek_certificate: Type.Optional(base64(8192)),
  ak: base64(256),
};

/** Body of `POST /v1/tpm-challenge`, before an enrolment with keys in a TPM. `secret` is the token's. */
export const tpmChallengeRequestSchema = Type.Object(
  { secret: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }), ...endorsement },
  { additionalProperties: false },
);
export type TpmChallengeRequest = Static<typeof tpmChallengeRequestSchema>;

/** Answer to it: a nonce for 60 s and, for this TPM alone, a secret (TPMS_ID_OBJECT and encrypted seed, base64). */
export type TpmChallenge = { nonce: string; id_object: string; encrypted_secret: string };

/** Shows that the device keys of an enrolment live in one TPM: `keys` in the order of the devices. */
const tpmProofSchema = Type.Object(
  {
    nonce: hash,
    /** What the TPM unwrapped. */
    activated: base64(64),
    ...endorsement,
    keys: Type.Array(
      Type.Object(
        {
          /** TPMT_PUBLIC. */
          public: base64(256),
          /** TPMS_ATTEST of the key's creation, with residencyQualification as its extraData. */
          attest: base64(512),
          /** ES256 by the attestation key. */
          signature: base64(88),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 64 },
    ),
  },
  { additionalProperties: false },
);
export type TpmProof = Static<typeof tpmProofSchema>;

/** Body of `POST /v1/enrol`. Envelopes are DSSE JSON as base64; the CSR is PKCS #10 PEM by the host's key. */
export const enrolRequestSchema = Type.Object(
  {
    secret: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    csr: Type.String({ maxLength: 4096 }),
    host: base64(16_384),
    devices: Type.Array(base64(4096), { minItems: 1, maxItems: 64 }),
    /** Left out when the keys are files. */
    tpm: Type.Optional(tpmProofSchema),
  },
  { additionalProperties: false },
);
export type EnrolRequest = Static<typeof enrolRequestSchema>;

/** What a host signs to get its next certificate (payload type renew), also after the last one ran out. */
export const renewSchema = Type.Object(
  { v: Type.Literal(1), host: Type.String({ pattern: "^[a-z0-9-]{1,64}$" }), nonce: hash, csr_sha256: hash },
  { additionalProperties: false },
);
export type Renew = Static<typeof renewSchema>;

/** Body of `POST /v1/renew`. */
export const renewRequestSchema = Type.Object(
  { csr: Type.String({ maxLength: 4096 }), renew: base64(4096) },
  { additionalProperties: false },
);
export type RenewRequest = Static<typeof renewRequestSchema>;

/** Answer to both: all that the host needs to speak. */
export type EnrolAnswer = {
  host: string;
  /** Client certificate, PEM; its single URI SAN is `urn:caliber:host:<host>`. */
  certificate: string;
  /** CA certificate, PEM; SHA-256 of its DER is in the token. */
  ca: string;
  /** Registry's receipt key, 91-byte SPKI as base64; SHA-256 of it is in the token. */
  registry_spki: string;
  mqtt_url: string;
  /** The log's origin line. */
  log_origin: string;
  window_ms: number;
  /** Where the tokens of this host's devices go; the devices consent to no other recipient. */
  recipient: string;
  /** How the receipt key came to be the one that it is, oldest first; absent while it is the first. */
  registry_keys?: RegistryKeyChange[];
};
