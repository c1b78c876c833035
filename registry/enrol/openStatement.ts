import type { KeyObject } from "node:crypto";
import type { ValidateFunction } from "ajv";
import { openEnvelope } from "../../protocol/dsse/openEnvelope.js";
import type { PayloadType } from "../../protocol/dsse/payloadTypes.js";
import { CaliberError } from "../../protocol/errors.js";

/**
 * Opens a signed statement of an enrolment (base64 of a DSSE envelope): signature first, then its shape.
 *
 * @throws CaliberError ENVELOPE_MALFORMED, PAYLOAD_TYPE_UNKNOWN, SIGNATURE_*, JSON_MALFORMED, SCHEMA_INVALID
 */
export function openStatement<T>(
  base64: string,
  payloadType: PayloadType,
  key: KeyObject,
  isValid: ValidateFunction<T>,
): T {
  const statement = openEnvelope(Buffer.from(base64, "base64"), payloadType, key);
  if (isValid(statement)) return statement;
  const [first] = isValid.errors ?? [];
  throw new CaliberError("SCHEMA_INVALID", `${first?.instancePath || "/"} ${first?.message ?? "is invalid"}`);
}
