import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import type { RegistryKeyChange, RegistryKeyPurpose } from "../../protocol/registryKey/registryKeyChange.js";
import { signRegistryKeyChange } from "../../protocol/registryKey/signRegistryKeyChange.js";
import { databasePath } from "../databasePath.js";
import { lockDataDir } from "../lockDataDir.js";
import { createEvidenceLog } from "../log/evidenceLog.js";
import { createLedger } from "../log/ledger.js";
import { createMeta } from "../store/meta.js";
import { openDatabase } from "../store/openDatabase.js";
import { createProjector } from "../store/projector.js";
import { keyChangesOf } from "./keyChanges.js";
import { keyPaths } from "./keyPaths.js";
import { loadOrCreatePrivateFile } from "./loadOrCreatePrivateFile.js";
import { readPrivateFile } from "./readPrivateFile.js";

export type KeyRotation = {
  data_dir: string;
  purpose: RegistryKeyPurpose;
  /** How long the old key signs along. */
  overlap_ms: number;
  now_ms: () => number;
};

/**
 * Hands one of a stopped registry's keys over to a new one. In this order: the next key on disk; the change, signed by both,
 * in the log; then the files change their names. What is cut short is finished by the next call.
 *
 * @throws CaliberError REGISTRY_RUNNING, REGISTRY_NOT_MADE, REGISTRY_KEY_OUTDATED, KEY_FILE_PERMISSIONS
 */
export function rotateRegistryKey(rotation: KeyRotation): RegistryKeyChange {
  const unlock = lockDataDir(rotation.data_dir);
  try {
    return rotateLocked(rotation);
  } finally {
    unlock();
  }
}

function rotateLocked({ data_dir, purpose, overlap_ms, now_ms }: KeyRotation): RegistryKeyChange {
  const dir = join(data_dir, "keys");
  const pem = readPrivateFile(keyPaths.now(dir, purpose));
  if (pem === null) {
    throw new CaliberError(
      "REGISTRY_NOT_MADE",
      `${data_dir} holds no ${purpose} key: caliber registry init`,
      {
        disposition: "user",
      },
    );
  }
  const now = createPrivateKey(pem);
  const next = createPrivateKey(loadOrCreatePrivateFile(keyPaths.next(dir, purpose), () => newKey(purpose)));
  const change = logged(data_dir, now_ms, (origin, changes) => {
    const last = changes.filter((earlier) => earlier.purpose === purpose).at(-1);
    // The log has it already: only the files are left to do.
    if (last?.to_spki === spkiOf(next)) return { change: last, isNew: false };
    if (last !== undefined && last.to_spki !== spkiOf(now)) {
      throw new CaliberError(
        "REGISTRY_KEY_OUTDATED",
        `keys/${purpose}.key is not the key that was rotated to`,
        {
          details: "restore the newest key",
          disposition: "user",
        },
      );
    }
    const at_ms = now_ms();
    const about = { purpose, origin, at_ms, until_ms: at_ms + overlap_ms };
    return { change: signRegistryKeyChange(about, now, next), isNew: true };
  });
  // Under both names before one of them is another key's: at no moment is a key in no file.
  if (spkiOf(now) === change.from_spki)
    linkOnce(keyPaths.now(dir, purpose), keyPaths.former(dir, purpose, change.from_spki));
  syncDirectory(dir);
  renameSync(keyPaths.next(dir, purpose), keyPaths.now(dir, purpose));
  syncDirectory(dir);
  return change;
}

/** Writes a change into the log; gives the one that stands. */
function logged(
  data_dir: string,
  now_ms: () => number,
  decide: (
    origin: string,
    changes: readonly RegistryKeyChange[],
  ) => { change: RegistryKeyChange; isNew: boolean },
): RegistryKeyChange {
  const db = openDatabase(databasePath(data_dir));
  try {
    const origin = createMeta(db).get("origin");
    if (origin === null) {
      throw new CaliberError("REGISTRY_NOT_MADE", `${data_dir} holds no log: caliber registry init`, {
        disposition: "user",
      });
    }
    const log = createEvidenceLog(db);
    // First of all: it brings the list of changes up to the log's end.
    const projector = createProjector(db, log, origin);
    const { change, isNew } = decide(origin, keyChangesOf(db));
    if (!isNew) return change;
    const ledger = createLedger({
      db,
      log,
      projector,
      now_ms,
      group_ms: 1,
      tick_ms: 60_000,
      flush_ms: 1,
      onFatal(error) {
        throw error;
      },
    });
    const body = { type: "registry-key", at_ms: change.at_ms, change };
    ledger.add("key", body);
    ledger.settle();
    ledger.stop();
    return change;
  } finally {
    db.close();
  }
}

function newKey(purpose: RegistryKeyPurpose): string {
  const { privateKey } =
    purpose === "log" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }) as string;
}

const spkiOf = (key: KeyObject): string =>
  createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");

function linkOnce(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Makes the names in a directory survive a power cut. */
function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
