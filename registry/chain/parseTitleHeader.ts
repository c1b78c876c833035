import { Ajv } from "ajv";
import { CaliberError } from "../../protocol/errors.js";

/** What is declared of titles beside what is proved: ERC-7578's fields. `declared_value` is a decimal string. */
export type TitleHeader = {
  token_issuer: string;
  asset_holder: string;
  stored_location: string;
  terms: string;
  jurisdiction: string;
  value_currency: string;
  declared_value: string;
};

const text = { type: "string", maxLength: 1_024 } as const;
const properties = {
  token_issuer: text,
  asset_holder: text,
  stored_location: text,
  terms: text,
  jurisdiction: text,
  value_currency: text,
  declared_value: { type: "string", pattern: "^(?:0|[1-9][0-9]{0,76})$" },
} as const;
const validate = new Ajv({ strict: true }).compile<TitleHeader>({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** @throws CaliberError TITLE_HEADER_MALFORMED for what is no JSON or has other members */
export function parseTitleHeader(json: string): TitleHeader {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new CaliberError("TITLE_HEADER_MALFORMED", "the header is no JSON", { cause, disposition: "user" });
  }
  if (validate(value)) return value;
  const { instancePath, message } = validate.errors![0]!;
  throw new CaliberError("TITLE_HEADER_MALFORMED", `the header: ${instancePath} ${message}`, {
    disposition: "user",
  });
}
