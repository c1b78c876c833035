import { generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { type PayloadType, payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { EnrolHost, EnrolRequest, Renew, RenewRequest } from "../../protocol/enrol/enrolMessages.js";
import { hostIdOf } from "../../protocol/enrol/hostIdOf.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { CaliberError } from "../../protocol/errors.js";
import { createCsr } from "../../protocol/x509/createCsr.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { enrolService } from "../../registry/enrol/enrolService.js";
import type { EnrolStore, HostRecord, TokenRecord } from "../../registry/enrol/enrolStore.js";

export const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
const sign = (type: PayloadType, value: unknown, key: KeyObject): string =>
  encodeEnvelope(signEnvelope(type, Buffer.from(JSON.stringify(value)), key).envelope, "").toString("base64");
export const base64 = (key: KeyObject): string => spkiOf(key).toString("base64");
export const secret = "s".repeat(43);
export const recipient = `0x${"11".repeat(20)}`;
export const start_ms = Date.UTC(2026, 10, 21);

function memoryStore() {
  const tokens = new Map<string, TokenRecord>();
  const hosts = new Map<string, HostRecord>();
  const devices = new Set<string>();
  const store: EnrolStore = {
    findToken: (name) => tokens.get(name) ?? null,
    findHost: (host) => hosts.get(host) ?? null,
    hasDevice: (device) => devices.has(device),
    enrol(name, body) {
      const token = tokens.get(name);
      if (token === undefined || token.used_ms !== null) throw new CaliberError("TOKEN_SPENT", "spent");
      tokens.set(name, { ...token, used_ms: body.at_ms });
      const spki = Buffer.from(body.host_spki, "base64");
      hosts.set(body.host, { host: body.host, spki, recipient: body.recipient, revoked: false });
      for (const { device } of body.devices) devices.add(device);
    },
  };
  return { store, tokens, hosts, devices };
}

/** The enrolment service over a store in memory, with one token on record and a clock to turn. */
export function setting() {
  let now_ms = start_ms;
  const ca = createCa({ commonName: "test CA", now_ms });
  const memory = memoryStore();
  memory.tokens.set(secretHash(secret), {
    used_ms: null,
    expires_ms: start_ms + 3_600_000,
    recipient,
    operator: "op",
    ek_sha256: [],
  });
  const service = enrolService({
    store: memory.store,
    ca,
    terms: {
      registry_spki: base64(p256()),
      mqtt_url: "mqtts://localhost:1",
      log_origin: "o",
      window_ms: 60_000,
    },
    now_ms: () => now_ms,
  });
  return { ca, service, ...memory, advance: (ms: number) => (now_ms += ms) };
}

type Parts = { hostKey: KeyObject; csrKey: KeyObject; deviceKeys: KeyObject[]; secret: string };

/** A good enrolment, or one that is bad in the ways asked for. */
export function enrolment(
  overrides: Partial<Parts> & { statement?: Partial<EnrolHost>; proofToken?: string } = {},
): EnrolRequest {
  const hostKey = overrides.hostKey ?? p256();
  const { csrKey = hostKey, deviceKeys = [p256(), p256()] } = overrides;
  const token = secretHash(overrides.secret ?? secret);
  return {
    secret: overrides.secret ?? secret,
    csr: createCsr(csrKey, { commonName: "host" }),
    host: sign(
      payloadTypes.enrolHost,
      {
        v: 1,
        token,
        host_spki: base64(hostKey),
        label: "rack-1",
        simulated: true,
        devices: deviceKeys.map((key) => deviceIdOf(spkiOf(key))),
        ...overrides.statement,
      } satisfies EnrolHost,
      hostKey,
    ),
    devices: deviceKeys.map((key) =>
      sign(
        payloadTypes.enrolDevice,
        { v: 1, token: overrides.proofToken ?? token, host_spki: base64(hostKey), device_spki: base64(key) },
        key,
      ),
    ),
  };
}

/** A good renewal, or one that is bad in the ways asked for. */
export function renewal(
  key: KeyObject,
  nonce: string,
  overrides: Partial<Renew> & { signer?: KeyObject } = {},
): RenewRequest {
  const { signer = key, ...statement } = overrides;
  const csr = createCsr(key, { commonName: "host" });
  const renew = {
    v: 1,
    host: hostIdOf(spkiOf(key)),
    nonce,
    csr_sha256: hash("sha256", csr, "hex"),
    ...statement,
  };
  return { csr, renew: sign(payloadTypes.renew, renew, signer) };
}
