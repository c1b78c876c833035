import { generateKeyPairSync, hash, type KeyObject, randomBytes } from "node:crypto";
import { type DerNode, der } from "../../x509/der.js";
import { encodePem } from "../../x509/pem.js";
import { x509Oids } from "../../x509/x509Oids.js";
import { evidenceOids } from "../evidenceOids.js";
import { type DeviceCertificate, issueDeviceCertificate } from "./issueDeviceCertificate.js";
import { type SpdmReportParts, writeSpdmReport } from "./writeSpdmReport.js";

export type SyntheticOptions = {
  chip?: string;
  engine?: string;
  /** 16 hex digits, upper case. */
  pdi?: string;
  /** Byte before the PDI in the BROM certificate's serial. */
  prefix?: string;
  fwid?: DeviceCertificate["fwid"] | null;
  /** Changes to certificate i (0 is the leaf). */
  change?: (i: number) => Partial<DeviceCertificate>;
  /** Changes that its neighbours do not follow: another issuer's name or key. */
  forge?: (i: number) => Partial<DeviceCertificate>;
};

/** A device of nobody's, with a root of its own: what NVIDIA's hardware would answer, for tests. */
export type SyntheticDevice = {
  /** DER, leaf first. */
  certificates: Buffer[];
  chain: string;
  root_sha256: string;
  leafKey: KeyObject;
  report(parts?: Partial<SpdmReportParts>): Buffer;
};

export const syntheticNonce = hash("sha256", "caliber test: evidence nonce", "buffer");
export const syntheticNow_ms = Date.UTC(2026, 5, 1);
export const syntheticFwid = hash("sha384", "caliber test: firmware", "buffer");

const text = (value: string): Buffer => Buffer.from(`${value}\0`, "latin1");
const u16 = (value: number): Buffer => Buffer.of(value & 0xff, value >> 8);

/** The fields that a Hopper GPU signs, with the values of an H100. */
export const hopperFields: [number, Buffer][] = [
  [6, Buffer.from("00a5009601000000", "hex")],
  [14, Buffer.from("37040000", "hex")],
  [15, Buffer.from("383835000000000000", "hex")],
  [17, text("G520")],
  [18, text("0200")],
  [3, text("590.12")],
  [12, Buffer.alloc(256)],
  [20, syntheticFwid],
  [22, Buffer.concat([Buffer.from("0102030405060708", "hex"), Buffer.alloc(8)])],
  [36, u16(0)],
];

export function syntheticDevice(options: SyntheticOptions = {}): SyntheticDevice {
  const { chip = "GH100", engine = "GSP", pdi = "2921CE551E4EEDA3", prefix = "41" } = options;
  const fwid =
    options.fwid === undefined ? ({ digest: syntheticFwid, form: "composite" } as const) : options.fwid;
  const subjects = [
    nameOf(`${chip} A01 ${engine} FMC LF`, randomBytes(20).toString("hex").toUpperCase()),
    nameOf(`${chip} A01 ${engine} BROM`, `${prefix}${pdi}`),
    nameOf(`Test ${chip} Provisioner ICA 1`),
    nameOf(`Test ${chip} Identity`),
    nameOf("Test Device Identity CA"),
  ];
  const plans = subjects.map((subject, i): DeviceCertificate => {
    const defaults = {
      key: generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
      subject,
      serial: Buffer.concat([Buffer.of(0x41), randomBytes(15)]),
      is_ca: i > 0,
      key_usage: i === 0 ? 0x80 : 0x04,
      not_before_ms: Date.UTC(2020, 9, 17),
      not_after_ms: Date.UTC(9999, 11, 31, 23, 59, 59),
      digest: "sha384" as const,
    };
    const leaf = i === 0 ? { device_names: [`NVIDIA:${chip}:48B02D7A7CD27FC3`], ...(fwid && { fwid }) } : {};
    // Filled in below: the issuer stands after it in the list.
    return { ...defaults, issuerKey: defaults.key, issuer: subject, ...leaf, ...options.change?.(i) };
  });
  const certificates = plans.map((plan, i) => {
    const issuer = plans[Math.min(i + 1, plans.length - 1)]!;
    return issueDeviceCertificate({
      ...plan,
      issuerKey: issuer.key,
      issuer: issuer.subject,
      ...(options.forge?.(i) ?? {}),
    });
  });
  const leafKey = plans[0]!.key;
  return {
    certificates,
    chain: pemOf(certificates),
    root_sha256: hash("sha256", certificates.at(-1)!, "hex"),
    leafKey,
    report: (parts = {}) =>
      writeSpdmReport({
        nonce: syntheticNonce,
        key: leafKey,
        measurements: Array.from({ length: 64 }, (_, i) => ({
          index: i + 1,
          digest: hash("sha384", `${i}`, "buffer"),
        })),
        opaque: hopperFields,
        ...parts,
      }),
  };
}

export function pemOf(certificates: readonly Buffer[]): string {
  return certificates.map((bytes) => encodePem("CERTIFICATE", bytes)).join("");
}

function nameOf(commonName: string, serial?: string): DerNode {
  const attribute = (oid: string, value: string) => der.set(der.sequence(der.oid(oid), der.utf8(value)));
  const names = [attribute(x509Oids.commonName, commonName)];
  if (serial !== undefined) names.unshift(attribute(evidenceOids.serialNumber, serial));
  return der.sequence(...names);
}
