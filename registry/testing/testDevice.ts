import { generateKeyPairSync } from "node:crypto";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { TestDevice } from "../../test/support/testHost.js";

/** A device key of its own. */
export function testDevice(): TestDevice {
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { id: deviceIdOf(spkiOf(key)), key };
}
