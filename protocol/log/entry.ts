import type { Envelope } from "../dsse/envelope.js";
import { paeHead } from "../dsse/paeHead.js";
import { CaliberError } from "../errors.js";

/**
 * First byte of every log entry. The leaf hash covers it, so an entry of one kind never passes for another.
 * Kinds 2 and up carry UTF-8 JSON after the version byte.
 */
export const entryKinds = {
  report: 1,
  key: 2,
  tick: 3,
  finding: 4,
  reject: 5,
  chain: 6,
  policy: 7,
  challenge: 8,
  decision: 9,
} as const;
export type EntryKind = keyof typeof entryKinds;

const kindOfByte = new Map<number, EntryKind>(
  Object.entries(entryKinds).map(([kind, byte]) => [byte, kind as EntryKind]),
);
const version = 1;

const paeAt = 98;

/**
 * `kind ‖ version ‖ device_id (32) ‖ signature (64) ‖ PAE`: all that a verifier of one report needs. Made before the
 * signature is checked, so that what is checked, named and kept are the same bytes, laid out once.
 *
 * @returns the entry, and the part of it that is the PAE.
 */
export function encodeReportEntry(device: string, envelope: Envelope): { entry: Buffer; pae: Buffer } {
  const { payloadType, payload, signature } = envelope;
  const head = paeHead(payloadType, payload.length);
  const headLength = Buffer.byteLength(head);
  const entry = Buffer.allocUnsafe(paeAt + headLength + payload.length);
  entry[0] = entryKinds.report;
  entry[1] = version;
  entry.write(device, 2, 32, "hex");
  entry.set(signature, 34);
  entry.write(head, paeAt, "utf8");
  entry.set(payload, paeAt + headLength);
  return { entry, pae: entry.subarray(paeAt) };
}

/** `kind ‖ version ‖ JSON`. */
export function encodeJsonEntry(kind: Exclude<EntryKind, "report">, body: unknown): Buffer {
  return Buffer.concat([Buffer.of(entryKinds[kind], version), Buffer.from(JSON.stringify(body))]);
}

export type DecodedEntry =
  | { kind: "report"; device: string; signature: Buffer; pae: Buffer }
  | { kind: Exclude<EntryKind, "report">; body: unknown };

/** @throws CaliberError ENTRY_MALFORMED */
export function decodeEntry(bytes: Buffer): DecodedEntry {
  const kind = kindOfByte.get(bytes[0] ?? 0);
  if (kind === undefined || bytes[1] !== version) {
    throw new CaliberError("ENTRY_MALFORMED", `unknown entry kind ${bytes[0]}, version ${bytes[1]}`);
  }
  if (kind !== "report") return { kind, body: parseBody(bytes) };
  if (bytes.length < paeAt) throw new CaliberError("ENTRY_MALFORMED", "a report entry is cut short");
  return {
    kind,
    device: bytes.toString("hex", 2, 34),
    signature: bytes.subarray(34, paeAt),
    pae: bytes.subarray(paeAt),
  };
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8", 2));
  } catch (cause) {
    throw new CaliberError("ENTRY_MALFORMED", "the entry's body is not JSON", { cause });
  }
}
