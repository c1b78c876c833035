import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const folder = new URL("fixtures/vectors/", root);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

describe("fixtures/vectors", () => {
  it("are what scripts/vectors/generate.mjs writes", () => {
    const out = execFileSync(process.execPath, ["scripts/vectors/generate.mjs", "--check"], { cwd: root });
    expect(out.toString()).toContain("are current");
  });

  it.each(files)("%s says what it is", (name) => {
    const vector = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    expect(vector.description).toMatch(/\.$/);
    if (name !== "mint-authorization.json") expect(vector.source).toMatch(/\w/);
  });
});
