import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { CaliberError } from "../../protocol/errors.js";
import { isHostId } from "../../protocol/topics.js";
import { loadOrCreatePrivateFile } from "../keys/loadOrCreatePrivateFile.js";
import { readPrivateFile } from "../keys/readPrivateFile.js";
import { writePrivateFile } from "../keys/writePrivateFile.js";
import type { Ca } from "./createCa.js";
import { issueClientCertificate } from "./issueClientCertificate.js";

export type KeeperFiles = { key: string; certificate: string; ca: string };

/**
 * Issues a keeper's key and read certificate into a directory: `<keeper>.key.pem`, `<keeper>.crt.pem`, `<keeper>.ca.pem`,
 * each of mode 0600. The certificate comes last and is what makes a set complete: without it the next call goes on with
 * the files that an interrupted one left. Nothing that exists is replaced: EEXIST, also for another CA's certificate.
 *
 * @returns the paths.
 * @throws CaliberError KEEPER_NAME_INVALID, KEY_FILE_PERMISSIONS
 */
export function keeperCertificate(
  ca: Ca,
  options: { keeper: string; directory: string; now_ms: number; lifetime_ms: number },
): KeeperFiles {
  const { keeper, directory, now_ms, lifetime_ms } = options;
  // Both kinds of clients share the broker's client ids, and those of hosts begin with "h-".
  if (!isHostId(keeper) || keeper.startsWith("h-")) {
    throw new CaliberError(
      "KEEPER_NAME_INVALID",
      "a keeper's name has 1 to 64 of a-z, 0-9 and -, and does not begin with h-",
      { disposition: "user" },
    );
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = {
    key: join(directory, `${keeper}.key.pem`),
    certificate: join(directory, `${keeper}.crt.pem`),
    ca: join(directory, `${keeper}.ca.pem`),
  };
  // Of the key that is on disk, which after an interruption is an earlier one.
  const key = createPrivateKey(loadOrCreatePrivateFile(files.key, newKey));
  if (readPrivateFile(files.ca) !== ca.certificate) writePrivateFile(files.ca, ca.certificate);
  writePrivateFile(
    files.certificate,
    issueClientCertificate(ca, { role: "keeper", id: keeper }, spkiOf(key), { now_ms, lifetime_ms }),
  );
  return files;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}
