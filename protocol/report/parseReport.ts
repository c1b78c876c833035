import { isUtf8 } from "node:buffer";
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
  // Node would put U+FFFD for bytes that are not UTF-8 and go on; another reader would refuse the same report.
  if (!isUtf8(payload)) throw new CaliberError("JSON_MALFORMED", "the payload is not UTF-8");
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
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
  if (hasFloatSyntax(text)) {
    throw new CaliberError("SCHEMA_INVALID", "/ a number has a fraction, an exponent or a minus zero");
  }
  return json as Report;
}

const floatSyntax = /[:,[\s](?:-0|-?[0-9]+[.eE])/;
const jsonString = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * True when valid JSON holds a number not written as a plain integer. JSON.parse rounds: it would take
 * 9007199254740991.4 for 9007199254740991, and 1.0 for 1, where another reader sees a float.
 */
function hasFloatSyntax(json: string): boolean {
  // Text inside strings may look the same, but rarely does: only then are the strings cut out.
  return floatSyntax.test(json) && floatSyntax.test(json.replace(jsonString, '""'));
}
