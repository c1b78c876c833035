import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("docs/loans.md");
const section = (title: string): string => page.split(/^##+ /m).find((part) => part.startsWith(title)) ?? "";
const firstColumn = (text: string): string[] =>
  [...text.matchAll(/^\| `([A-Za-z_]+)` \|/gm)].map(([, word]) => word!);

describe("docs/loans.md", () => {
  it("has every code of a loan that is not approved, and no other", () => {
    const [, union] = /type ApprovalCode =(.*?";)\n/s.exec(read("registry/approval/approvalFailure.ts"))!;
    const codes = [...union!.matchAll(/\| "([A-Z_]+)"/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(20);
    expect(firstColumn(section("Why not"))).toEqual(codes);
  });

  it("has every hold and every phase", () => {
    const words = (file: string, type: string): string[] => {
      const [, union] = new RegExp(`type ${type} =(.*?);`, "s").exec(read(`registry/loans/${file}.ts`))!;
      return [...union!.matchAll(/"([a-z]+)"/g)].map(([, word]) => word!);
    };
    const text = section("Holds and phases");
    expect(firstColumn(text)).toEqual(words("tokenHold", "TokenHold"));
    for (const phase of words("loanRecord", "LoanPhase")) expect(text).toContain(`\`${phase}\``);
  });
});
