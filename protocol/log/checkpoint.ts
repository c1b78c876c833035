import { createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { CaliberError } from "../errors.js";

export type Checkpoint = { origin: string; size: number; root: Buffer };

const emDash = "\u2014";
/** C2SP signed-note algorithm byte of Ed25519. */
const ed25519Algorithm = 0x01;

/** C2SP tlog-checkpoint body: origin, size, base64 root, each on a line of its own. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/**
 * C2SP signed note: the body, a blank line, one signature line by the log's Ed25519 key named `origin`, and one by each of
 * its `former` keys that readers may still pin.
 */
export function signCheckpoint(
  checkpoint: Checkpoint,
  key: KeyObject,
  former: readonly KeyObject[] = [],
): string {
  const body = formatCheckpoint(checkpoint);
  const lines = [key, ...former].map((by) => {
    const signature = Buffer.concat([
      noteKeyHash(checkpoint.origin, createPublicKey(by)),
      sign(null, Buffer.from(body), by),
    ]);
    return `${emDash} ${checkpoint.origin} ${signature.toString("base64")}\n`;
  });
  return `${body}\n${lines.join("")}`;
}

/**
 * Opens a signed checkpoint. The note is attacker-controlled; signature lines of other keys (witnesses) are skipped.
 *
 * @throws CaliberError CHECKPOINT_MALFORMED, CHECKPOINT_SIGNATURE_INVALID
 */
export function openCheckpoint(note: string, origin: string, key: KeyObject): Checkpoint {
  const split = note.indexOf(`\n\n${emDash} `);
  if (split === -1) throw new CaliberError("CHECKPOINT_MALFORMED", "not a signed note");
  const body = note.slice(0, split + 1);
  const [bodyOrigin, sizeText, rootText] = body.split("\n");
  const root = Buffer.from(rootText ?? "", "base64");
  const isSize = /^(0|[1-9][0-9]{0,15})$/.test(sizeText ?? "") && Number.isSafeInteger(Number(sizeText));
  if (!isSize || root.length !== 32) {
    throw new CaliberError("CHECKPOINT_MALFORMED", "size or root is malformed");
  }
  if (bodyOrigin !== origin)
    throw new CaliberError("CHECKPOINT_MALFORMED", "the checkpoint is of another log");
  const keyHash = noteKeyHash(origin, key);
  for (const line of note.slice(split + 2).split("\n")) {
    const [dash, name, encoded] = line.split(" ");
    if (dash !== emDash || name !== origin || encoded === undefined) continue;
    const bytes = Buffer.from(encoded, "base64");
    if (bytes.length !== 68 || !bytes.subarray(0, 4).equals(keyHash)) continue;
    if (verify(null, Buffer.from(body), key, bytes.subarray(4))) {
      return { origin, size: Number(sizeText), root };
    }
  }
  throw new CaliberError("CHECKPOINT_SIGNATURE_INVALID", "no valid signature of the log's key");
}

/** C2SP vkey: `name+hash+base64(0x01 ‖ public key)`, what a witness or lender pins. */
export function checkpointVerifierKey(origin: string, key: KeyObject): string {
  const raw = Buffer.concat([Buffer.of(ed25519Algorithm), rawEd25519(key)]);
  return `${origin}+${noteKeyHash(origin, key).toString("hex")}+${raw.toString("base64")}`;
}

function noteKeyHash(name: string, key: KeyObject): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519Algorithm), rawEd25519(key)]);
  return hash("sha256", bytes, "buffer").subarray(0, 4);
}

function rawEd25519(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }).subarray(-32);
}
