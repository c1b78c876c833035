import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spkiOf } from "../crypto/spki.js";
import { hostUri } from "../enrol/hostUri.js";
import { createCsr } from "./createCsr.js";
import { decodeDer } from "./decodeDer.js";
import { identityOfCertificate } from "./identityOfCertificate.js";
import { type CertificateOptions, issueCertificate } from "./issueCertificate.js";
import { parseCsr } from "./parseCsr.js";
import { decodePem, encodePem } from "./pem.js";
import { subjectAltNamesOf } from "./subjectAltNamesOf.js";

const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
const now_ms = Date.UTC(2026, 5, 1);
const caKey = p256();
const ca = issueCertificate({
  issuer: { key: caKey, certificate: null },
  spki: spkiOf(caKey),
  commonName: "test CA",
  usage: "ca",
  names: [],
  notBefore_ms: now_ms,
  notAfter_ms: Date.UTC(2056, 0, 1),
});
const issue = (overrides: Partial<CertificateOptions>): string =>
  issueCertificate({
    issuer: { key: caKey, certificate: ca },
    spki: spkiOf(p256()),
    commonName: "leaf",
    usage: "client",
    names: [{ type: "uri", value: hostUri("h-1") }],
    notBefore_ms: now_ms,
    notAfter_ms: now_ms + 3_600_000,
    ...overrides,
  });

describe("certificate requests", () => {
  it("carries the key and proves its possession", () => {
    const key = p256();
    expect(parseCsr(createCsr(key, { commonName: "host" })).spki.equals(spkiOf(key))).toBe(true);
  });

  it("is a request that OpenSSL accepts, and takes one that OpenSSL made", () => {
    const directory = mkdtempSync(join(tmpdir(), "caliber-x509-"));
    try {
      const key = p256();
      const csr = join(directory, "csr.pem");
      writeFileSync(csr, createCsr(key, { commonName: "host" }));
      const seen = execFileSync("openssl", ["req", "-in", csr, "-verify", "-noout", "-pubkey"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
      expect(seen).toContain("BEGIN PUBLIC KEY");
      const keyFile = join(directory, "key.pem");
      writeFileSync(keyFile, key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
      const theirs = execFileSync(
        "openssl",
        [
          "req",
          "-new",
          "-key",
          keyFile,
          "-subj",
          "/CN=x",
          "-addext",
          "subjectAltName=URI:urn:caliber:host:other",
        ],
        { encoding: "utf8" },
      );
      expect(parseCsr(theirs).spki.equals(spkiOf(key))).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("refuses a forged signature", () => {
    const bytes = decodePem("CERTIFICATE REQUEST", createCsr(p256(), { commonName: "host" }));
    const other = decodePem("CERTIFICATE REQUEST", createCsr(p256(), { commonName: "host" }));
    // The key of another request in this one's place: same lengths up to the point's 64 bytes.
    const at = bytes.indexOf(Buffer.from("03420004", "hex")) + 4;
    const from = other.indexOf(Buffer.from("03420004", "hex")) + 4;
    other.copy(bytes, at, from, from + 64);
    expect(() => parseCsr(encodePem("CERTIFICATE REQUEST", bytes))).toThrow(
      expect.objectContaining({ code: "CSR_SIGNATURE_INVALID" }),
    );
  });

  it("never gets past two codes, whatever byte is changed", () => {
    const bytes = decodePem("CERTIFICATE REQUEST", createCsr(p256(), { commonName: "host" }));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = Buffer.from(bytes);
        bad[at] = bad[at]! ^ flip;
        expect(() => parseCsr(encodePem("CERTIFICATE REQUEST", bad))).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^CSR_(MALFORMED|SIGNATURE_INVALID)$/) }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["another curve", createCsrOver("secp384r1")],
    ["nothing", ""],
    ["two blocks", createCsr(caKey, { commonName: "a" }) + createCsr(caKey, { commonName: "b" })],
    ["too much", "A".repeat(5000)],
  ])("refuses %s", (_, pem) => {
    expect(() => parseCsr(pem)).toThrow(expect.objectContaining({ code: "CSR_MALFORMED" }));
  });
});

function createCsrOver(curve: string): string {
  const directory = mkdtempSync(join(tmpdir(), "caliber-x509-"));
  try {
    const keyFile = join(directory, "key.pem");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
    writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    return execFileSync("openssl", ["req", "-new", "-sha256", "-key", keyFile, "-subj", "/CN=x"], {
      encoding: "utf8",
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("certificates", () => {
  it("issues what node and OpenSSL verify, with the extensions that RFC 5280 asks for", () => {
    const leaf = new X509Certificate(issue({}));
    const issuer = new X509Certificate(ca);
    expect(leaf.verify(issuer.publicKey)).toBe(true);
    expect(leaf.checkIssued(issuer)).toBe(true);
    expect([leaf.ca, issuer.ca]).toEqual([false, true]);
    expect(leaf.subjectAltName).toBe("URI:urn:caliber:host:h-1");
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(leaf.serialNumber).toHaveLength(32);
    expect(Date.parse(leaf.validFrom)).toBe(now_ms - 300_000);
    expect(Date.parse(leaf.validTo)).toBe(now_ms + 3_600_000);
    expect(Date.parse(issuer.validTo)).toBe(Date.UTC(2056, 0, 1));
    const text = execFileSync("openssl", ["x509", "-noout", "-text"], {
      input: leaf.toString(),
      encoding: "utf8",
    });
    expect(text).toMatch(/X509v3 Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    const key = (name: string): string | undefined =>
      new RegExp(`${name} Key Identifier:\\s+(?:keyid:)?([0-9A-F:]+)`).exec(text)?.[1];
    expect(key("Subject")).toHaveLength(59);
    expect(key("Authority")).toHaveLength(59);
    expect(key("Subject")).not.toBe(key("Authority"));
  });

  it("passes OpenSSL's strict chain check", () => {
    const directory = mkdtempSync(join(tmpdir(), "caliber-x509-"));
    try {
      writeFileSync(join(directory, "ca.pem"), ca);
      writeFileSync(join(directory, "leaf.pem"), issue({}));
      const verdict = execFileSync(
        "openssl",
        [
          "verify",
          "-x509_strict",
          "-purpose",
          "sslclient",
          "-attime",
          String(now_ms / 1000),
          "-CAfile",
          "ca.pem",
          "leaf.pem",
        ],
        { cwd: directory, encoding: "utf8" },
      );
      expect(verdict.trim()).toBe("leaf.pem: OK");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("gives no client certificate with any but one URI", () => {
    const uri = { type: "uri", value: hostUri("h-1") } as const;
    for (const names of [[], [uri, uri], [{ type: "dns", value: "h-1" } as const]]) {
      expect(() => issue({ names })).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
    }
  });

  it("issues nothing under a certificate that is no CA's or not the key's", () => {
    expect(() => issue({ issuer: { key: p256(), certificate: ca } })).toThrow(
      expect.objectContaining({ code: "ISSUER_INVALID" }),
    );
    const key = p256();
    const certificate = issue({ spki: spkiOf(key) });
    expect(() => issue({ issuer: { key, certificate } })).toThrow(
      expect.objectContaining({ code: "ISSUER_INVALID" }),
    );
  });
});

describe("identity of a certificate", () => {
  const raw = (pem: string): Buffer => new X509Certificate(pem).raw;

  it("is the one URI", () => {
    expect(identityOfCertificate(raw(issue({})))).toEqual({ role: "host", id: "h-1" });
    const keeper = issue({ names: [{ type: "uri", value: "urn:caliber:keeper:desk" }] });
    expect(identityOfCertificate(raw(keeper))).toEqual({ role: "keeper", id: "desk" });
  });

  it.each([
    ["two URIs", [hostUri("h-1"), hostUri("h-2")].map((value) => ({ type: "uri", value }) as const)],
    ["no name", []],
    ["a DNS name that prints like a URI", [{ type: "dns", value: "x,URI:urn:caliber:host:h-1" } as const]],
    [
      "a URI that prints like two",
      [{ type: "uri", value: "urn:caliber:host:h-1,URI:urn:caliber:host:h-2" } as const],
    ],
    [
      "a URI and an address",
      [
        { type: "uri", value: hostUri("h-1") } as const,
        { type: "ip", value: Buffer.of(127, 0, 0, 1) } as const,
      ],
    ],
    ["a wildcard", [{ type: "uri", value: "urn:caliber:host:+" } as const]],
    ["an address alone", [{ type: "ip", value: Buffer.of(127, 0, 0, 1) } as const]],
  ])("refuses %s", (_, names) => {
    // As a server certificate: the issuing code gives client certificates no such names.
    expect(() => identityOfCertificate(raw(issue({ usage: "server", names })))).toThrow(
      expect.objectContaining({ code: "IDENTITY_INVALID" }),
    );
  });

  it("reads every name with its tag", () => {
    const names = [
      { type: "dns", value: "localhost" },
      { type: "ip", value: Buffer.of(127, 0, 0, 1) },
    ] as const;
    expect(subjectAltNamesOf(raw(issue({ usage: "server", names })))).toEqual([
      { tag: 2, bytes: Buffer.from("localhost") },
      { tag: 7, bytes: Buffer.of(127, 0, 0, 1) },
    ]);
  });
});

describe("DER", () => {
  it.each([
    ["a length in too many bytes", "3081020500"],
    ["a negative-looking padding", "0203000001"],
    ["bytes after the value", "050000"],
    ["an unfinished value", "3005"],
  ])("refuses %s", (_, hex) => {
    expect(() => decodeDer(Buffer.from(hex, "hex"))).toThrow(
      expect.objectContaining({ code: "DER_MALFORMED" }),
    );
  });
});
