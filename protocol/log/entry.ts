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
} as const;
export type EntryKind = keyof typeof entryKinds;

const kindOfByte = new Map<number, EntryKind>(
  Object.entries(entryKinds).map(([kind, byte]) => [byte, kind as EntryKind]),
);
const version = 1;

/** `kind ‖ version ‖ device_id (32) ‖ signature (64) ‖ PAE`: all that a verifier of one report needs. */
export function encodeReportEntry(device: string, signature: Uint8Array, paeBytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(98 + paeBytes.length);
  out[0] = entryKinds.report;
  out[1] = version;
  out.write(device, 2, 32, "hex");
  out.set(signature, 34);
  out.set(paeBytes, 98);
  return out;
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
  if (bytes.length < 98) throw new CaliberError("ENTRY_MALFORMED", "a report entry is cut short");
  return {
    kind,
    device: bytes.toString("hex", 2, 34),
    signature: bytes.subarray(34, 98),
    pae: bytes.subarray(98),
  };
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8", 2));
  } catch (cause) {
    throw new CaliberError("ENTRY_MALFORMED", "the entry's body is not JSON", { cause });
  }
}
