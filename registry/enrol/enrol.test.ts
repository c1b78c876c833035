import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { request as httpsRequest } from "node:https";
import { connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { type PayloadType, payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { EnrolHost, EnrolRequest, Renew, RenewRequest } from "../../protocol/enrol/enrolMessages.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { CaliberError } from "../../protocol/errors.js";
import { createCsr } from "../../protocol/x509/createCsr.js";
import { identityOfCertificate } from "../../protocol/x509/identityOfCertificate.js";
import { caHash } from "./caHash.js";
import { createCa } from "./createCa.js";
import { type EnrolLimits, type EnrolListener, enrolListener } from "./enrolListener.js";
import { type EnrolService, enrolService } from "./enrolService.js";
import type { EnrolStore, HostRecord, TokenRecord } from "./enrolStore.js";
import { hostIdOf } from "./hostIdOf.js";
import { issueServerCertificate } from "./issueServerCertificate.js";

const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
const sign = (type: PayloadType, value: unknown, key: KeyObject): string =>
  encodeEnvelope(signEnvelope(type, Buffer.from(JSON.stringify(value)), key).envelope, "").toString("base64");
const base64 = (key: KeyObject): string => spkiOf(key).toString("base64");
const secret = "s".repeat(43);
const recipient = `0x${"11".repeat(20)}`;
const start_ms = Date.UTC(2026, 10, 21);

function memoryStore() {
  const tokens = new Map<string, TokenRecord>();
  const hosts = new Map<string, HostRecord>();
  const devices = new Set<string>();
  const store: EnrolStore = {
    addToken: (name, record) => void tokens.set(name, { ...record, used_ms: null }),
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

function setting() {
  let now_ms = start_ms;
  const ca = createCa({ commonName: "test CA", now_ms });
  const memory = memoryStore();
  memory.store.addToken(secretHash(secret), { expires_ms: start_ms + 3_600_000, recipient, operator: "op" });
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

function enrolment(
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

function renewal(
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

const coded = (code: string) => expect.objectContaining({ code });

describe("enrolment", () => {
  it("gives a host its certificate and puts host and devices on record, once", () => {
    const { service, ca, hosts, devices, tokens } = setting();
    const hostKey = p256();
    const deviceKeys = [p256(), p256()];
    const request = enrolment({ hostKey, deviceKeys });
    const answer = service.enrol(request);
    const certificate = new X509Certificate(answer.certificate);
    expect(answer.host).toBe(`h-${createHash("sha256").update(spkiOf(hostKey)).digest("hex").slice(0, 32)}`);
    expect(identityOfCertificate(certificate.raw)).toEqual({ role: "host", id: answer.host });
    expect(certificate.verify(createPublicKey(ca.certificate))).toBe(true);
    expect(certificate.checkPrivateKey(hostKey)).toBe(true);
    expect(Date.parse(certificate.validTo)).toBe(start_ms + 86_400_000);
    expect(answer).toMatchObject({ recipient, ca: ca.certificate, window_ms: 60_000, log_origin: "o" });
    expect([...devices]).toEqual(deviceKeys.map((key) => deviceIdOf(spkiOf(key))));
    expect(hosts.get(answer.host)?.spki.equals(spkiOf(hostKey))).toBe(true);
    expect(tokens.get(secretHash(secret))?.used_ms).toBe(start_ms);
    expect(() => service.enrol(request)).toThrow(coded("TOKEN_SPENT"));
  });

  it("lets one of two win who come with one token", () => {
    const { service, store } = setting();
    // Both see the token unspent, as two processes on one store would.
    const findToken = store.findToken;
    const unspent = findToken(secretHash(secret));
    store.findToken = () => unspent;
    service.enrol(enrolment());
    expect(() => service.enrol(enrolment())).toThrow(coded("TOKEN_SPENT"));
  });

  const other = p256();
  const forgedCsr = (): string => {
    const bytes = Buffer.from(
      createCsr(other, { commonName: "host" }).replace(/-----.*-----/g, ""),
      "base64",
    );
    // The subject's last letter: well formed, but not what was signed.
    const at = bytes.indexOf("host") + 3;
    bytes.write("s", at);
    return `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  };
  it.each<[string, string, () => EnrolRequest]>([
    ["an unknown token", "TOKEN_UNKNOWN", () => enrolment({ secret: "x".repeat(43) })],
    ["a request that is none", "CSR_MALFORMED", () => ({ ...enrolment(), csr: "x" })],
    [
      "a forged request",
      "CSR_SIGNATURE_INVALID",
      () => ({ ...enrolment({ hostKey: other }), csr: forgedCsr() }),
    ],
    ["a request by another key", "ENROL_KEY_MISMATCH", () => enrolment({ csrKey: p256() })],
    [
      "a statement about another key",
      "ENROL_KEY_MISMATCH",
      () => enrolment({ statement: { host_spki: base64(p256()) } }),
    ],
    [
      "a statement for another token",
      "ENROL_MALFORMED",
      () => enrolment({ statement: { token: "0".repeat(64) } }),
    ],
    ["a statement of another shape", "ENROL_MALFORMED", () => enrolment({ statement: { label: "a b" } })],
    [
      "a proof that is missing",
      "ENROL_MALFORMED",
      () => ({ ...enrolment(), devices: enrolment().devices.slice(1) }),
    ],
    [
      "proofs of other devices",
      "DEVICE_PROOF_INVALID",
      () => ({ ...enrolment(), devices: enrolment().devices }),
    ],
    ["a proof for another token", "DEVICE_PROOF_INVALID", () => enrolment({ proofToken: "0".repeat(64) })],
    ["a proof that is noise", "DEVICE_PROOF_INVALID", () => ({ ...enrolment(), devices: ["AAAA", "AAAA"] })],
  ])("refuses %s and leaves the token good", (_, code, request) => {
    const { service, tokens } = setting();
    expect(() => service.enrol(request())).toThrow(coded(code));
    expect([...tokens.values()].map((token) => token.used_ms)).toEqual([null]);
    expect(service.enrol(enrolment()).host).toMatch(/^h-[0-9a-f]{32}$/);
  });

  it("refuses an expired token", () => {
    const { service, advance } = setting();
    advance(3_600_000);
    expect(() => service.enrol(enrolment())).toThrow(coded("TOKEN_EXPIRED"));
  });

  it("refuses a device on record, a revoked host, and a second recipient", () => {
    const { service, store, hosts } = setting();
    const hostKey = p256();
    const deviceKeys = [p256()];
    const { host } = service.enrol(enrolment({ hostKey, deviceKeys }));
    const again = (name: string, to = recipient): string => {
      const next = name.repeat(43);
      store.addToken(secretHash(next), { expires_ms: start_ms + 1000, recipient: to, operator: "op" });
      return next;
    };
    expect(() => service.enrol(enrolment({ deviceKeys, secret: again("a") }))).toThrow(coded("DEVICE_TAKEN"));
    const elsewhere = again("b", `0x${"22".repeat(20)}`);
    expect(() => service.enrol(enrolment({ hostKey, secret: elsewhere }))).toThrow(
      coded("RECIPIENT_MISMATCH"),
    );
    expect(service.enrol(enrolment({ hostKey, secret: again("c") })).host).toBe(host);
    hosts.set(host, { ...hosts.get(host)!, revoked: true });
    expect(() => service.enrol(enrolment({ hostKey, secret: again("d") }))).toThrow(coded("HOST_REVOKED"));
  });
});

describe("renewal", () => {
  function enrolled() {
    const all = setting();
    const hostKey = p256();
    const { host } = all.service.enrol(enrolment({ hostKey }));
    return { ...all, hostKey, host };
  }

  it("works long after the certificate has expired", () => {
    const { service, hostKey, host, advance } = enrolled();
    advance(90 * 86_400_000);
    const answer = service.renew(renewal(hostKey, service.nonce()));
    const certificate = new X509Certificate(answer.certificate);
    expect(answer).toMatchObject({ host, recipient });
    expect(Date.parse(certificate.validTo)).toBe(start_ms + 91 * 86_400_000);
    expect(identityOfCertificate(certificate.raw)).toEqual({ role: "host", id: host });
  });

  it("takes each nonce once, for a minute, and only its own", () => {
    const { service, hostKey, advance } = enrolled();
    const nonce = service.nonce();
    service.renew(renewal(hostKey, nonce));
    expect(() => service.renew(renewal(hostKey, nonce))).toThrow(coded("NONCE_SPENT"));
    expect(() => service.renew(renewal(hostKey, "0".repeat(64)))).toThrow(coded("NONCE_UNKNOWN"));
    const foreign = setting().service.nonce();
    expect(() => service.renew(renewal(hostKey, foreign))).toThrow(coded("NONCE_UNKNOWN"));
    const late = service.nonce();
    advance(60_001);
    expect(() => service.renew(renewal(hostKey, late))).toThrow(coded("NONCE_EXPIRED"));
    expect(() => service.renew(renewal(hostKey, nonce))).toThrow(coded("NONCE_EXPIRED"));
  });

  it("is for the host's own key, request and name, and for no revoked host", () => {
    const { service, hostKey, host, hosts } = enrolled();
    const nonce = service.nonce();
    const stranger = p256();
    expect(() => service.renew(renewal(stranger, nonce))).toThrow(coded("HOST_UNKNOWN"));
    expect(() => service.renew(renewal(hostKey, nonce, { signer: stranger }))).toThrow(
      coded("RENEW_KEY_MISMATCH"),
    );
    expect(() => service.renew(renewal(hostKey, nonce, { host: "h-other" }))).toThrow(
      coded("RENEW_KEY_MISMATCH"),
    );
    const swapped = { ...renewal(hostKey, nonce), csr: createCsr(hostKey, { commonName: "other" }) };
    expect(() => service.renew(swapped)).toThrow(coded("RENEW_MALFORMED"));
    hosts.set(host, { ...hosts.get(host)!, revoked: true });
    expect(() => service.renew(renewal(hostKey, nonce))).toThrow(coded("HOST_REVOKED"));
  });
});

describe("the listener", () => {
  let listener: EnrolListener | undefined;
  afterEach(async () => {
    await listener?.close();
    listener = undefined;
  });

  async function listening(limits: Partial<EnrolLimits> = {}, replace: Partial<EnrolService> = {}) {
    const all = setting();
    const lines: string[] = [];
    const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
    const tls = issueServerCertificate(all.ca, ["localhost", "127.0.0.1", "::1"], Date.now());
    const service = { ...all.service, ...replace };
    listener = await enrolListener({ service, tls, bind: "127.0.0.1", port: 0, log, limits });
    const { port } = listener;
    const call = (method: string, path: string, body?: string): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, method, path, ca: all.ca.certificate, agent: false };
        const request = httpsRequest(options, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        });
        request.on("error", reject);
        request.end(body);
      });
    return { ...all, port, call, lines };
  }

  it("shows its CA, so that a host can check the pin before it sends anything", async () => {
    const { call, ca, port } = await listening();
    const { status, text } = await call("GET", "/v1/ca");
    expect([status, text]).toEqual([200, ca.certificate]);
    expect(caHash(text)).toMatch(/^[0-9a-f]{64}$/);
    const chain = await new Promise<Buffer>((resolve, reject) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate(true).issuerCertificate.raw);
        socket.destroy();
      });
      socket.on("error", reject);
    });
    expect(chain.equals(new X509Certificate(ca.certificate).raw)).toBe(true);
  });

  it("enrols and renews over TLS, and logs no secret", async () => {
    const { call, lines } = await listening();
    const hostKey = p256();
    const first = await call("POST", "/v1/enrol", JSON.stringify(enrolment({ hostKey })));
    expect(first.status).toBe(200);
    const { nonce } = JSON.parse((await call("GET", "/v1/nonce")).text) as { nonce: string };
    const second = await call("POST", "/v1/renew", JSON.stringify(renewal(hostKey, nonce)));
    expect(second.status).toBe(200);
    expect(JSON.parse(second.text).host).toBe(JSON.parse(first.text).host);
    const spent = await call("POST", "/v1/enrol", JSON.stringify(enrolment({ hostKey })));
    expect([spent.status, JSON.parse(spent.text).code]).toEqual([409, "TOKEN_SPENT"]);
    expect((await call("POST", "/v1/enrol", `{"secret":"${secret}`)).status).toBe(400);
    expect(lines.length).toBeGreaterThanOrEqual(5);
    expect(lines.join()).not.toContain(secret);
  });

  it.each([
    ["GET", "/v1/enrol", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/", undefined, 404, "NOT_FOUND"],
    ["POST", "/v1/enrol", "{", 400, "ENROL_MALFORMED"],
    ["POST", "/v1/enrol", JSON.stringify({ ...enrolment(), more: 1 }), 400, "ENROL_MALFORMED"],
    ["POST", "/v1/renew", "[]", 400, "RENEW_MALFORMED"],
    ["POST", "/v1/enrol", JSON.stringify(enrolment({ secret: "x".repeat(43) })), 401, "TOKEN_UNKNOWN"],
    ["POST", "/v1/enrol", "x".repeat(256 * 1024 + 1), 413, "BODY_TOO_LARGE"],
  ])("answers %s %s with a code", async (method, path, body, status, code) => {
    const { call } = await listening();
    const answer = await call(method, path, body);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, code]);
  });

  it("says nothing of what failed inside", async () => {
    const fail = () => {
      throw new Error("disk at /secret/place is full");
    };
    const { call } = await listening({}, { enrol: fail });
    const answer = await call("POST", "/v1/enrol", JSON.stringify(enrolment()));
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([500, "INTERNAL"]);
    expect(answer.text).not.toContain("secret");
  });

  it("counts a chunked body as it comes", async () => {
    const { port, ca } = await listening();
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpsRequest(
        { host: "127.0.0.1", port, method: "POST", path: "/v1/enrol", ca: ca.certificate, agent: false },
        (response) => resolve(response.statusCode ?? 0),
      );
      request.on("error", reject);
      // Without end(): only counting can end it.
      for (let i = 0; i < 5; i++) request.write("x".repeat(64 * 1024));
    });
    expect(status).toBe(413);
  });

  it("drops those who never finish a handshake or a request's head", async () => {
    const { port, ca } = await listening({ headers_ms: 200 });
    const closed = (socket: ReturnType<typeof tcpConnect>): Promise<void> =>
      new Promise((resolve) => {
        socket.on("error", () => undefined);
        socket.resume().once("close", () => resolve());
      });
    const silent = tcpConnect(port, "127.0.0.1");
    const slow = tlsConnect({ port, host: "127.0.0.1", ca: ca.certificate }, () => {
      slow.write("POST /v1/enrol HTTP/1.1\r\nhost: x\r\nx-slow: ");
    });
    await Promise.all([closed(silent), closed(slow)]);
    expect([silent.destroyed, slow.destroyed]).toEqual([true, true]);
  });
});
