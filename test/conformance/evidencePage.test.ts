import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { eatErrorCodes } from "../../protocol/evidence/eat/eatError.js";
import { nrasIssuer } from "../../protocol/evidence/eat/verifyEatToken.js";
import { evidenceChecks, evidenceGaps } from "../../protocol/evidence/evidenceChecks.js";
import { evidenceErrorCodes } from "../../protocol/evidence/evidenceError.js";
import { nvidiaDeviceRoot } from "../../protocol/evidence/nvidiaDeviceRoot.js";

const page = readFileSync(new URL("../../docs/evidence.md", import.meta.url), "utf8");
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? "";

describe("docs/evidence.md", () => {
  it("has one row for each code of refusal and none for others", () => {
    const rows = [...section("Refusals").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect([...rows].sort()).toEqual([...evidenceErrorCodes, ...eatErrorCodes].sort());
  });

  it("says of each check and each gap what the command says", () => {
    const rows = [...section("What is checked").matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)];
    const told = [...Object.entries(evidenceChecks), ...Object.entries(evidenceGaps)];
    expect(rows.map(([, name, means]) => [name, means])).toEqual(told);
  });

  it("names the root and the issuer that are pinned", () => {
    expect(section("The chain")).toContain(nvidiaDeviceRoot);
    expect(section("Tokens")).toContain(nrasIssuer);
  });
});
