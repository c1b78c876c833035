import { Ajv } from "ajv";
import { CaliberError } from "../errors.js";
import { type Report, type ReportKind, reportSchemas } from "./schema.js";

// TypeBox marks its schemas with symbols and `kind` words that Ajv's strict mode does not know; the schemas
// themselves are plain JSON Schema.
const ajv = new Ajv({ strict: true, allErrors: false, allowUnionTypes: true });
const validators = Object.fromEntries(
  Object.entries(reportSchemas).map(([kind, schema]) => [kind, ajv.compile(schema)]),
) as Record<ReportKind, ReturnType<typeof ajv.compile>>;

/**
 * Parses a payload whose signature has been checked already. The signer is the borrower's machine, so the content is
 * still attacker-controlled.
 *
 * @throws CaliberError JSON_MALFORMED, SCHEMA_VERSION_UNKNOWN, SCHEMA_INVALID
 */
export function parseReport(payload: Uint8Array): Report {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8"));
  } catch (cause) {
    throw new CaliberError("JSON_MALFORMED", "the payload is not JSON", { cause });
  }
  const { v, kind } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  if (v !== 1) throw new CaliberError("SCHEMA_VERSION_UNKNOWN", "the report's version is not 1");
  if (typeof kind !== "string" || !Object.hasOwn(validators, kind)) {
    throw new CaliberError("SCHEMA_INVALID", "/kind is not a known kind");
  }
  const validate = validators[kind as ReportKind];
  if (!validate(json)) {
    const [first] = validate.errors ?? [];
    throw new CaliberError(
      "SCHEMA_INVALID",
      `${first?.instancePath || "/"} ${first?.message ?? "is invalid"}`,
    );
  }
  return json as Report;
}
