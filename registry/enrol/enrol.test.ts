import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { EnrolRequest } from "../../protocol/enrol/enrolMessages.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { createCsr } from "../../protocol/x509/createCsr.js";
import { identityOfCertificate } from "../../protocol/x509/identityOfCertificate.js";
import {
  base64,
  enrolment,
  p256,
  recipient,
  renewal,
  secret,
  setting,
  start_ms,
} from "../../test/support/enrolHarness.js";

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
    const { service, tokens, hosts } = setting();
    const hostKey = p256();
    const deviceKeys = [p256()];
    const { host } = service.enrol(enrolment({ hostKey, deviceKeys }));
    const again = (name: string, to = recipient): string => {
      const next = name.repeat(43);
      tokens.set(secretHash(next), {
        used_ms: null,
        expires_ms: start_ms + 1000,
        recipient: to,
        operator: "op",
        ek_sha256: [],
      });
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
