import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { loadOrCreatePrivateFile } from "./loadOrCreatePrivateFile.js";

/** The registry's signing keys. Each has one purpose; the CA's is kept by enrol/. */
export type RegistryKeys = {
  /** P-256: receipts, heads, beacons, commands and events. */
  receipt: KeyObject;
  receiptSpki: Buffer;
  /** Hex SHA-256 of the receipt key's SPKI: what an enrolment token pins. */
  receiptId: string;
  /** Ed25519: checkpoints of the log. */
  log: KeyObject;
  logPublic: KeyObject;
};

/** Loads the keys from a directory, making them on first use (mode 0600 in a directory of mode 0700). */
export function loadRegistryKeys(dir: string): RegistryKeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const receipt = loadOrCreate(
    join(dir, "receipt.key"),
    () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  );
  const log = loadOrCreate(join(dir, "log.key"), () => generateKeyPairSync("ed25519").privateKey);
  const receiptSpki = spkiOf(receipt);
  return {
    receipt,
    receiptSpki,
    receiptId: createHash("sha256").update(receiptSpki).digest("hex"),
    log,
    logPublic: createPublicKey(log),
  };
}

function loadOrCreate(path: string, create: () => KeyObject): KeyObject {
  const pem = loadOrCreatePrivateFile(
    path,
    () => create().export({ format: "pem", type: "pkcs8" }) as string,
  );
  return createPrivateKey(pem);
}
