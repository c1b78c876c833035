import { createPrivateKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { existsSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { CaliberError } from "../../protocol/errors.js";
import { createFile } from "../files/createFile.js";
import { privateDirectory } from "../files/privateDirectory.js";
import { syncDirectory } from "../files/syncDirectory.js";
import type { KeyStore, SigningKey } from "./keyStore.js";
import { readPrivateFile } from "./readPrivateFile.js";

const hostFile = "host.pem";

/**
 * Keys as PKCS#8 PEM, one file of mode 0600 a key, in a directory of mode 0700.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS
 */
export function fileKeyStore(directory: string): KeyStore {
  privateDirectory(directory);
  const pathOf = (name: string): string => join(directory, name);
  const createIfAbsent = (name: string): void => {
    if (existsSync(pathOf(name))) return;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    createFile(pathOf(name), privateKey.export({ format: "pem", type: "pkcs8" }));
  };
  return {
    hostKey: () => readKey(pathOf(hostFile)),
    deviceKey(uuid, device) {
      const next = device === undefined ? null : successorFile(uuid, device);
      return signingKey(readKey(pathOf(next !== null && existsSync(pathOf(next)) ? next : deviceFile(uuid))));
    },
    createSuccessor(uuid) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = signingKey(privateKey);
      createFile(pathOf(successorFile(uuid, key.id)), privateKey.export({ format: "pem", type: "pkcs8" }));
      return key;
    },
    discardFormer(uuid, device) {
      const inForce = successorFile(uuid, device);
      // The first key of all is filed without its id, and nothing came before it.
      if (!existsSync(pathOf(inForce))) return;
      const own = stemOf(uuid);
      const former = readdirSync(directory).filter((name) => name.startsWith(own) && name !== inForce);
      for (const name of former) unlinkSync(pathOf(name));
      if (former.length > 0) syncDirectory(directory);
    },
    discard(uuid) {
      const own = stemOf(uuid);
      for (const name of readdirSync(directory)) if (name.startsWith(own)) unlinkSync(pathOf(name));
      syncDirectory(directory);
    },
    create(uuids) {
      for (const name of [hostFile, ...uuids.map(deviceFile)]) createIfAbsent(name);
    },
    destroy() {
      for (const name of readdirSync(directory)) if (/\.(pem|tmp)$/.test(name)) unlinkSync(pathOf(name));
      syncDirectory(directory);
    },
    residency: null,
  };
}

/** The UUID is text that the host declares: hashed, it can name no other path. */
function stemOf(uuid: string): string {
  return `device-${hash("sha256", uuid, "hex").slice(0, 40)}`;
}

function deviceFile(uuid: string): string {
  return `${stemOf(uuid)}.pem`;
}

/** By its own id, so that no file is ever renamed or written over: whatever interrupts a rotation, both keys are there. */
function successorFile(uuid: string, device: string): string {
  return `${stemOf(uuid)}-${device}.pem`;
}

function signingKey(key: KeyObject): SigningKey {
  const spki = spkiOf(key);
  return { id: deviceIdOf(spki), spki, inTpm: false, sign: (message) => signEs256(message, key) };
}

function readKey(path: string): KeyObject {
  const pem = readPrivateFile(path);
  try {
    const key = createPrivateKey(pem);
    spkiOf(key);
    return key;
  } catch {
    // The cause could quote the file, which holds a private key.
    throw new CaliberError("KEY_MALFORMED", `${path} is not a P-256 key in PKCS#8 PEM`, {
      disposition: "user",
    });
  }
}
