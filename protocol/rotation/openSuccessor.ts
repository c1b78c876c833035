import type { KeyObject } from "node:crypto";
import { deviceIdOf } from "../crypto/deviceIdOf.js";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { CaliberError } from "../errors.js";
import type { RefusalCode } from "../refusal.js";
import type { RotateReport } from "../report/schema.js";
import { rotationMessage } from "./rotationMessage.js";

export type Successor = { device: string; spki: Buffer; key: KeyObject };

/**
 * The key that a rotate report hands its chain to. The report's own signature is checked already; this is the other one.
 *
 * @throws CaliberError SUCCESSOR_INVALID when it is no P-256 key in its one encoding, has not agreed, or is the same key
 */
export function openSuccessor({ device, body }: Pick<RotateReport, "device" | "body">): Successor {
  const refuse = (why: string, cause?: unknown): CaliberError<RefusalCode> =>
    new CaliberError("SUCCESSOR_INVALID", why, { cause });
  const spki = Buffer.from(body.successor_spki, "base64");
  let successor: Successor;
  try {
    const key = publicKeyFromSpki(spki);
    successor = { device: deviceIdOf(spki), spki, key };
    verifyEs256(rotationMessage(device, successor.device), Buffer.from(body.proof, "hex"), key);
  } catch (cause) {
    throw refuse("the next key has not signed that it takes over", cause);
  }
  if (successor.device === device) throw refuse("the next key is the one that there is");
  return successor;
}
