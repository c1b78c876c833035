import { createECDH, generateKeyPairSync, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { der } from "../x509/der.js";
import { x509Oids } from "../x509/x509Oids.js";
import { parsePemChain } from "./parsePemChain.js";
import { deviceExtension } from "./testing/issueDeviceCertificate.js";
import { pemOf, type SyntheticOptions, syntheticDevice, syntheticNow_ms } from "./testing/syntheticDevice.js";
import { verifyChain } from "./verifyChain.js";

const now_ms = syntheticNow_ms;
const good = syntheticDevice();
const coded = (code: string) => expect.objectContaining({ code });
const verifyOf = (options: SyntheticOptions) => {
  const { chain, root_sha256 } = syntheticDevice(options);
  return verifyChain(chain, now_ms, root_sha256);
};
const subset = (...indices: number[]) => pemOf(indices.map((i) => good.certificates[i]!));
const name = (...attributes: [string, string][]) =>
  der.sequence(...attributes.map(([oid, value]) => der.set(der.sequence(der.oid(oid), der.utf8(value)))));

describe("verifyChain", () => {
  it("tells which device a full chain is of", () => {
    const { leaf_key, ...device } = verifyChain(good.chain, now_ms, good.root_sha256);
    expect(leaf_key.asymmetricKeyDetails).toEqual({ namedCurve: "secp384r1" });
    expect(device).toEqual({
      kind: "gpu",
      architecture: "hopper",
      chip: "GH100",
      stepping: "A01",
      pdi: "0x2921ce551e4eeda3",
      device_name: "NVIDIA:GH100:48B02D7A7CD27FC3",
      strong_identity: expect.stringMatching(/^[0-9a-f]{64}$/),
      ueid: expect.stringMatching(/^[0-9]+$/),
      fwids: [expect.stringMatching(/^[0-9a-f]{96}$/)],
    });
  });

  it.each([
    [{ chip: "GB100" }, "gpu", "blackwell"],
    [{ chip: "GB202", engine: "FSP", fwid: null }, "gpu", "blackwell"],
    [{ chip: "LS_10", engine: "FSP", prefix: "50" }, "switch", "ls10"],
  ] as const)("knows %j", (options, kind, architecture) => {
    expect(verifyOf(options)).toMatchObject({ kind, architecture, chip: options.chip });
  });

  it("names silicon by the key of the BROM certificate alone", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const change = (i: number) => (i === 1 ? { key } : {});
    const [one, two] = [verifyOf({ change }), verifyOf({ change, pdi: "0000000000000001" })];
    expect(one.strong_identity).toBe(two.strong_identity);
    expect(one.ueid).not.toBe(two.ueid);
    expect(verifyOf({}).strong_identity).not.toBe(one.strong_identity);
  });

  it("trusts no root but NVIDIA's unless told otherwise", () => {
    expect(() => verifyChain(good.chain, now_ms)).toThrow(coded("EVIDENCE_CHAIN_ROOT_UNKNOWN"));
  });

  it.each([
    ["leaf removed", subset(1, 2, 3, 4), "EVIDENCE_CHAIN_NO_LEAF"],
    ["BROM removed", subset(0, 2, 3, 4), "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["a middle certificate removed", subset(0, 1, 3, 4), "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["root removed", subset(0, 1, 2, 3), "EVIDENCE_CHAIN_ROOT_UNKNOWN"],
    ["root only", subset(4), "EVIDENCE_CHAIN_LENGTH"],
    ["root twice", subset(4, 4), "EVIDENCE_CHAIN_NO_LEAF"],
    ["root in front of a chain to it", subset(4, 0, 1, 2, 3, 4), "EVIDENCE_CHAIN_LENGTH"],
    ["root first", subset(4, 3, 2, 1, 0), "EVIDENCE_CHAIN_ROOT_UNKNOWN"],
    ["two certificates changed about", subset(0, 2, 1, 3, 4), "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["empty", "", "EVIDENCE_CHAIN_LENGTH"],
    ["no PEM", "hello", "EVIDENCE_ENCODING_INVALID"],
    ["text between certificates", `${subset(0, 1)}hello\n${subset(2, 3, 4)}`, "EVIDENCE_ENCODING_INVALID"],
    ["base64 with something else in it", good.chain.replace("\nMII", "\nM=I"), "EVIDENCE_ENCODING_INVALID"],
    [
      "padding after whole base64",
      good.chain.replace("\n-----END", "=\n-----END"),
      "EVIDENCE_ENCODING_INVALID",
    ],
    ["another PEM label", good.chain.replaceAll("CERTIFICATE", "X509 CRL"), "EVIDENCE_ENCODING_INVALID"],
    ["too long a text", `${good.chain}${"\n".repeat(11_000)}`, "EVIDENCE_CHAIN_MALFORMED"],
    [
      "a byte behind a certificate",
      pemOf(good.certificates.map((bytes) => Buffer.concat([bytes, Buffer.of(0)]))),
      "EVIDENCE_CHAIN_MALFORMED",
    ],
  ])("refuses a chain: %s", (_, chain, code) => {
    expect(() => verifyChain(chain, now_ms, good.root_sha256)).toThrow(coded(code));
  });

  it("takes line ends of either kind and blank space between certificates", () => {
    const loose = good.chain.replaceAll("\n", "\r\n").replaceAll("-----BEGIN", "\n\n-----BEGIN");
    expect(parsePemChain(loose)).toEqual(good.certificates);
  });

  it("refuses a chain of six, whose leaf was signed by another's leaf", () => {
    const other = syntheticDevice();
    const chain = pemOf([other.certificates[0]!, ...good.certificates]);
    expect(() => verifyChain(chain, now_ms, good.root_sha256)).toThrow(coded("EVIDENCE_CHAIN_LENGTH"));
  });

  it("refuses a chain of four that is whole in itself", () => {
    // Two certificates of one name and key: the chain holds without one of them.
    const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const subject = name([x509Oids.commonName, "Test Identity"]);
    const { certificates, root_sha256 } = syntheticDevice({
      change: (i) => (i === 2 || i === 3 ? { key, subject } : {}),
    });
    expect(verifyChain(pemOf(certificates), now_ms, root_sha256).kind).toBe("gpu");
    expect(() => verifyChain(pemOf(certificates.toSpliced(2, 1)), now_ms, root_sha256)).toThrow(
      coded("EVIDENCE_CHAIN_LENGTH"),
    );
  });

  it.each([0, 1, 2, 3])("refuses certificate %i by another key of the same name", (at) => {
    const issuerKey = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    expect(() => verifyOf({ forge: (i) => (i === at ? { issuerKey } : {}) })).toThrow(
      coded("EVIDENCE_CHAIN_LINK_BROKEN"),
    );
  });

  it.each([0, 1, 2, 3])("refuses certificate %i that names another issuer", (at) => {
    const issuer = name([x509Oids.commonName, "somebody else"]);
    expect(() => verifyOf({ forge: (i) => (i === at ? { issuer } : {}) })).toThrow(
      coded("EVIDENCE_CHAIN_LINK_BROKEN"),
    );
  });

  it("takes the pinned root by its hash, whoever signed it", () => {
    const issuerKey = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    expect(verifyOf({ forge: (i) => (i === 4 ? { issuerKey } : {}) }).kind).toBe("gpu");
  });

  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const ecdh = createECDH("secp384r1");
  ecdh.generateKeys();
  const hybrid = Buffer.concat([
    Buffer.from("3076301006072a8648ce3d020106052b81040022036200", "hex"),
    ecdh.getPublicKey(null, "hybrid"),
  ]);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  it.each([
    ["a leaf on P-256", { change: (i) => (i === 0 ? { key: p256 } : {}) }],
    ["a leaf with an RSA key", { change: (i) => (i === 0 ? { key: rsa } : {}) }],
    ["a leaf whose point is in hybrid form", { change: (i) => (i === 0 ? { spki: hybrid } : {}) }],
    ["SHA-256 over a certificate", { change: (i) => (i === 2 ? { digest: "sha256" } : {}) }],
  ] as [string, SyntheticOptions][])("refuses %s", (_, options) => {
    expect(() => verifyOf(options)).toThrow(coded("EVIDENCE_CHAIN_ALGORITHM"));
  });

  it.each([
    ["an intermediate that is no CA", { change: (i) => (i === 2 ? { is_ca: false } : {}) }, "ROLE_INVALID"],
    // OpenSSL already takes such an issuer for none.
    [
      "a CA that may not sign certificates",
      { change: (i) => (i === 1 ? { key_usage: 0x80 } : {}) },
      "LINK_BROKEN",
    ],
    ["a leaf that may not sign", { change: (i) => (i === 0 ? { key_usage: 0x20 } : {}) }, "ROLE_INVALID"],
    [
      "a leaf that may sign certificates",
      { change: (i) => (i === 0 ? { key_usage: 0x84 } : {}) },
      "ROLE_INVALID",
    ],
    [
      "a path longer than a CA allows",
      { change: (i) => (i === 4 ? { path_length: 2 } : {}) },
      "ROLE_INVALID",
    ],
  ] as [string, SyntheticOptions, string][])("refuses %s", (_, options, code) => {
    expect(() => verifyOf(options)).toThrow(coded(`EVIDENCE_CHAIN_${code}`));
  });

  it("takes a path as long as a CA allows", () => {
    expect(verifyOf({ change: (i) => (i === 4 ? { path_length: 3 } : {}) }).kind).toBe("gpu");
  });

  it.each([
    ["not yet valid", { not_before_ms: now_ms + 1000 }],
    ["not valid any more", { not_after_ms: now_ms - 1000 }],
  ])("refuses a certificate that is %s", (_, times) => {
    for (const at of [0, 1, 4]) {
      expect(() => verifyOf({ change: (i) => (i === at ? times : {}) })).toThrow(
        coded("EVIDENCE_CHAIN_EXPIRED"),
      );
    }
  });

  it("takes a certificate up to its very last second, in both forms of time", () => {
    for (const not_after_ms of [Date.UTC(2049, 11, 31, 23, 59, 59), Date.UTC(2050, 0, 1)]) {
      const { chain, root_sha256 } = syntheticDevice({ change: (i) => (i === 0 ? { not_after_ms } : {}) });
      expect(verifyChain(chain, not_after_ms, root_sha256).kind).toBe("gpu");
      expect(() => verifyChain(chain, not_after_ms + 1, root_sha256)).toThrow(
        coded("EVIDENCE_CHAIN_EXPIRED"),
      );
    }
  });

  const leafName = (commonName: string): SyntheticOptions => ({
    change: (i) => (i === 0 ? { subject: name([x509Oids.commonName, commonName]) } : {}),
  });
  it.each([
    ["a network card's", { chip: "CX7", prefix: "41" }],
    ["a chip that nobody knows", { chip: "GZ100" }],
    ["a GPU with a switch's serial", { prefix: "50" }],
    ["a switch with a GPU's serial", { chip: "LS_10", engine: "FSP", prefix: "41" }],
    ["a serial that is no PDI", { pdi: "2921ce551e4eeda3" }],
    ["a leaf of another chip than its BROM", leafName("GB100 A01 GSP FMC LF")],
    ["a leaf of another engine than its BROM", leafName("GH100 A01 FSP FMC LF")],
    ["a leaf of another purpose", leafName("GH100 A01 GSP FMC")],
    ["no name", { change: (i) => (i === 0 ? { subject: name() } : {}) }],
    [
      "a device name of another chip",
      { change: (i) => (i === 0 ? { device_names: ["NVIDIA:GB100:48B02D7A7CD27FC3"] } : {}) },
    ],
    [
      "a device name by another maker",
      { change: (i) => (i === 0 ? { device_names: ["NV1DIA:GH100:48B02D7A7CD27FC3"] } : {}) },
    ],
    [
      "two device names",
      {
        change: (i) =>
          i === 0 ? { device_names: ["NVIDIA:GH100:48B02D7A7CD27FC3", "NVIDIA:GH100:48B02D7A7CD27FC4"] } : {},
      },
    ],
    ["no device name", { change: (i) => (i === 0 ? { device_names: [] } : {}) }],
  ] as [string, SyntheticOptions][])("knows no device by %s", (_, options) => {
    expect(() => verifyOf(options)).toThrow(coded("EVIDENCE_DEVICE_UNKNOWN"));
  });

  const purpose = deviceExtension(x509Oids.extKeyUsage, true, der.sequence(der.oid(x509Oids.clientAuth)));
  const usage = deviceExtension(x509Oids.keyUsage, true, der.bits(Buffer.of(0x04), 0));
  const twice: [string, string][] = [
    [x509Oids.commonName, "GH100 A01 GSP FMC LF"],
    [x509Oids.commonName, "GH100 A01 GSP FMC LF"],
  ];
  it.each([
    ["a critical extension that is not understood", { extra: [purpose] }],
    ["an extension twice", { extra: [usage] }],
    ["a common name twice", { subject: name(...twice) }],
  ])("refuses a leaf with %s", (_, leaf) => {
    expect(() => verifyOf({ change: (i) => (i === 0 ? leaf : {}) })).toThrow(
      coded("EVIDENCE_CHAIN_MALFORMED"),
    );
  });

  it("reads the firmware digest in Hopper's form and in Blackwell's", () => {
    const digest = hash("sha384", "firmware", "buffer");
    for (const form of ["composite", "tcb"] as const) {
      expect(verifyOf({ fwid: { digest, form } }).fwids).toEqual([digest.toString("hex")]);
    }
  });

  it("refuses a chain with any single byte of a certificate changed", () => {
    good.certificates.forEach((certificate, i) => {
      // Every byte of the leaf, every seventh of the others: each is a signature or two to check.
      for (let at = 0; at < certificate.length; at += i === 0 ? 1 : 7) {
        const changed = good.certificates.map((bytes) => Buffer.from(bytes));
        changed[i]![at]! ^= 0x01;
        expect(() => verifyChain(pemOf(changed), now_ms, good.root_sha256)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^EVIDENCE_CHAIN_/) }),
        );
      }
    });
  }, 120_000);
});
