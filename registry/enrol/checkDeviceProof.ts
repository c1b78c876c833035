import type { KeyObject } from "node:crypto";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolHost } from "../../protocol/enrol/enrolMessages.js";
import { CaliberError } from "../../protocol/errors.js";
import { openStatement } from "./openStatement.js";
import { validators } from "./validators.js";

/**
 * Checks that a device's key agreed to belong to this host under this token, and that the host named that device.
 *
 * @param base64 DSSE envelope of an enrol-device statement, signed by the key inside it.
 * @returns the device's id and canonical SPKI.
 * @throws CaliberError DEVICE_PROOF_INVALID
 */
export function checkDeviceProof(
  base64: string,
  expectedDevice: string,
  host: EnrolHost,
): { device: string; spki: Buffer } {
  try {
    const { spki, key } = claimedKey(base64);
    const statement = openStatement(base64, payloadTypes.enrolDevice, key, validators.enrolDevice);
    if (statement.token !== host.token || statement.host_spki !== host.host_spki) {
      throw new CaliberError("DEVICE_PROOF_INVALID", "the device agreed to another host or token");
    }
    const device = deviceIdOf(spki);
    if (device !== expectedDevice) {
      throw new CaliberError("DEVICE_PROOF_INVALID", "not the device that the host names at this place");
    }
    return { device, spki };
  } catch (cause) {
    if (CaliberError.find(cause, "DEVICE_PROOF_INVALID")) throw cause;
    throw new CaliberError("DEVICE_PROOF_INVALID", `proof of device ${expectedDevice}`, { cause });
  }
}

/** The key inside a statement that nothing has vouched for yet: good for checking the statement's own signature. */
function claimedKey(base64: string): { spki: Buffer; key: KeyObject } {
  const { payload } = parseEnvelope(Buffer.from(base64, "base64"));
  const claim = JSON.parse(payload.toString("utf8")) as { device_spki?: unknown } | null;
  const text = claim?.device_spki;
  if (typeof text !== "string") throw new CaliberError("DEVICE_PROOF_INVALID", "device_spki is missing");
  const spki = Buffer.from(text, "base64");
  return { spki, key: publicKeyFromSpki(spki) };
}
