import { generateKeyPairSync, hash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { EnrolToken } from "../../protocol/enrol/enrolToken.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { caHash } from "../../registry/enrol/caHash.js";
import { type Ca, createCa } from "../../registry/enrol/createCa.js";
import { type EnrolListener, enrolListener } from "../../registry/enrol/enrolListener.js";
import { enrolService } from "../../registry/enrol/enrolService.js";
import type { EnrolStore, HostRecord, TokenRecord } from "../../registry/enrol/enrolStore.js";
import { issueServerCertificate } from "../../registry/enrol/issueServerCertificate.js";
import { fileKeyStore } from "../keys/fileKeyStore.js";
import type { KeyStore } from "../keys/keyStore.js";
import { enrolHost } from "./enrolHost.js";
import { identityFile } from "./identityFile.js";
import { registryPinOf } from "./registryPinOf.js";
import { renewAt } from "./renewAt.js";
import { renewIdentity } from "./renewIdentity.js";

const recipient = `0x${"ab".repeat(20)}`;
const registryKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
let directory: string;
let keys: KeyStore;
let ca: Ca;
let listener: EnrolListener;
let token: EnrolToken;
let tokens: Map<string, TokenRecord>;
let hosts: Map<string, HostRecord>;
let devices: Set<string>;

function newToken(secret: string): EnrolToken {
  tokens.set(secretHash(secret), {
    expires_ms: Date.now() + 60_000,
    used_ms: null,
    recipient,
    operator: "test",
    ek_sha256: [],
  });
  return {
    url: `https://127.0.0.1:${listener.port}`,
    ca_sha256: caHash(ca.certificate),
    registry_sha256: hash("sha256", spkiOf(registryKey), "hex"),
    secret,
  };
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "caliber-enrol-"));
  keys = fileKeyStore(join(directory, "keys"));
  tokens = new Map();
  hosts = new Map();
  devices = new Set();
  ca = createCa({ commonName: "test", now_ms: Date.now() - 1000 });
  const store: EnrolStore = {
    findToken: (sha) => tokens.get(sha) ?? null,
    findHost: (host) => hosts.get(host) ?? null,
    hasDevice: (device) => devices.has(device),
    enrol(sha, body) {
      tokens.get(sha)!.used_ms = body.at_ms;
      for (const { device } of body.devices) devices.add(device);
      const spki = Buffer.from(body.host_spki, "base64");
      hosts.set(body.host, { host: body.host, spki, recipient: body.recipient, revoked: false });
    },
  };
  const service = enrolService({
    store,
    ca,
    terms: {
      registry_spki: spkiOf(registryKey).toString("base64"),
      mqtt_url: "mqtts://127.0.0.1:8883",
      log_origin: "log.test/1",
      window_ms: 10_000,
    },
    now_ms: Date.now,
  });
  listener = await enrolListener({
    service,
    tls: issueServerCertificate(ca, ["127.0.0.1"], Date.now() - 1000),
    bind: "127.0.0.1",
    port: 0,
    log: pino({ level: "silent" }),
  });
  token = newToken("s".repeat(43));
});
afterEach(async () => {
  await listener.close();
  rmSync(directory, { recursive: true });
});

const options = (over: Partial<Parameters<typeof enrolHost>[0]> = {}) => ({
  token,
  keys,
  store: { store: "file" as const },
  uuids: ["GPU-a", "GPU-b"],
  label: "rack-1",
  simulated: true,
  known: null,
  ...over,
});

describe("enrolHost", () => {
  it("enrols a host and its GPUs and gets all that it needs to speak", async () => {
    const identity = await enrolHost(options());
    expect(identity).toMatchObject({ label: "rack-1", simulated: true, recipient, window_ms: 10_000 });
    expect(identity.devices).toEqual(
      ["GPU-a", "GPU-b"].map((uuid) => ({ uuid, device: keys.deviceKey(uuid).id })),
    );
    expect([...devices].sort()).toEqual(identity.devices.map(({ device }) => device).sort());
    expect(new X509Certificate(identity.certificate).subjectAltName).toBe(
      `URI:urn:caliber:host:${identity.host}`,
    );
    const file = identityFile(directory);
    file.save(identity);
    expect(file.load()).toEqual(identity);
    expect(statSync(join(directory, "identity.json")).mode & 0o777).toBe(0o600);
  });

  it("speaks to nobody but the registry that the token pins", async () => {
    await expect(
      enrolHost(options({ token: { ...token, ca_sha256: "0".repeat(64) } })),
    ).rejects.toMatchObject({ code: "CA_MISMATCH" });
    expect(tokens.get(secretHash(token.secret))?.used_ms).toBeNull();
    await expect(
      enrolHost(options({ token: { ...token, registry_sha256: "0".repeat(64) } })),
    ).rejects.toMatchObject({ code: "REGISTRY_KEY_MISMATCH" });
  });

  it("takes up its own enrolment when the first answer got lost", async () => {
    const first = await enrolHost(options());
    const again = await enrolHost(options());
    expect({ ...again, certificate: "" }).toEqual({ ...first, certificate: "" });
  });

  it("does not pass another host's token for its own", async () => {
    await enrolHost(options());
    const other = fileKeyStore(join(directory, "other"));
    await expect(enrolHost(options({ keys: other }))).rejects.toMatchObject({ code: "TOKEN_SPENT" });
  });

  it("adds GPUs to a host by another token, and says when there are none to add", async () => {
    const known = await enrolHost(options({ uuids: ["GPU-a"] }));
    const more = await enrolHost(options({ known, token: newToken("t".repeat(43)) }));
    expect(more.host).toBe(known.host);
    expect(more.devices.map(({ uuid }) => uuid)).toEqual(["GPU-a", "GPU-b"]);
    await expect(enrolHost(options({ known: more }))).rejects.toMatchObject({ code: "ALREADY_ENROLLED" });
    await expect(enrolHost(options({ uuids: [] }))).rejects.toMatchObject({ code: "NO_GPUS" });
  });

  it("says that nobody answers", async () => {
    await listener.close();
    await expect(enrolHost(options())).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    listener = { port: 0, close: async () => undefined };
  });
});

describe("renewIdentity", () => {
  const renew = (identity: { ca: string; registry_spki: string; enrol_url: string }) =>
    renewIdentity({
      url: identity.enrol_url,
      keys,
      ca: identity.ca,
      registry_sha256: registryPinOf(identity),
    });

  it("gets another certificate for the same host", async () => {
    const identity = await enrolHost(options());
    const answer = await renew(identity);
    expect(answer.host).toBe(identity.host);
    expect(answer.certificate).not.toBe(identity.certificate);
  });

  it("is refused when the host is revoked", async () => {
    const identity = await enrolHost(options());
    hosts.get(identity.host)!.revoked = true;
    await expect(renew(identity)).rejects.toMatchObject({ code: "HOST_REVOKED" });
  });

  it("verifies the server by the pinned CA", async () => {
    const identity = await enrolHost(options());
    const another = createCa({ commonName: "another", now_ms: Date.now() - 1000 });
    await expect(renew({ ...identity, ca: another.certificate })).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
    });
  });
});

describe("renewAt", () => {
  it("lies between two thirds and three quarters of the lifetime", async () => {
    const { certificate } = await enrolHost(options());
    const { validFrom, validTo } = new X509Certificate(certificate);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    expect((renewAt(certificate, 0) - from) / (to - from)).toBeCloseTo(2 / 3, 6);
    expect((renewAt(certificate, 0.999999) - from) / (to - from)).toBeCloseTo(3 / 4, 5);
  });
});
