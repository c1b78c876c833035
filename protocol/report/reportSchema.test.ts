import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/report-envelopes.json" with { type: "json" };
import { reportSchemas } from "./schema.js";

/** docs/report.schema.json: the schema that the code checks by, as one JSON Schema document for other languages. */
function reportSchemaDocument(): string {
  const document = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "caliberd report, version 1",
    description:
      "Payload of a DSSE envelope of type application/vnd.caliber.report.v1+json. Numbers are plain integers: no fraction, no exponent, no minus zero. See protocol.md.",
    oneOf: Object.keys(reportSchemas).map((kind) => ({ $ref: `#/definitions/${kind}` })),
    definitions: reportSchemas,
  };
  return `${printed(document, "")}\n`;
}

/** JSON as the formatter of this repository leaves it: lists of plain values on one line where they fit. */
function printed(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => printed(item, inner));
    const line = `[${items.join(", ")}]`;
    if (value.every((item) => typeof item !== "object") && indent.length + line.length < 80) return line;
    return `[\n${items.map((item) => inner + item).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)}: ${printed(member, inner)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

describe("docs/report.schema.json", () => {
  it("is current (vitest run protocol/report/reportSchema.test.ts -u writes it)", async () => {
    await expect(reportSchemaDocument()).toMatchFileSnapshot("../../docs/report.schema.json");
  });

  it("is plain JSON Schema: it takes the vectors, and nothing with a member more", () => {
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(
      JSON.parse(reportSchemaDocument()),
    );
    for (const { payload, name } of vector.accepted) {
      expect(validate(JSON.parse(payload)), name).toBe(true);
      expect(validate({ ...JSON.parse(payload), more: 1 }), name).toBe(false);
    }
  });
});
