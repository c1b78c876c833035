import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/threat-model.md", root), "utf8");
const folder = new URL("test/attack/", root);
const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
/** Tests that honest enrolment and evidence are taken, beside the attacks on them. */
const isHonest = /^(takes keys|takes the answer|calls|leaves) /;

/** Names of the tests of a file: rows of its tables, and tests of their own. */
function namesOf(file: string): string[] {
  const source = readFileSync(new URL(file, folder), "utf8");
  const rows = /\bname:\s*"([^"]+)",\s*(?:code|overrides|offend|bytes|text)\b|\bit\(\s*"([^"]+)"/g;
  return [...source.matchAll(rows)]
    .map(([, row, single]) => (row ?? single)!)
    .filter((name) => !isHonest.test(name));
}

const sections = page
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    file: /`test\/attack\/([a-zA-Z]+\.test\.ts)`/.exec(section)?.[1] ?? "",
    rows: [...section.matchAll(/^\| (.+?) \| (stopped|shown|open) \| (.+) \|$/gm)].map(
      ([, attack, outcome, by]) => ({ attack: attack!, outcome: outcome!, by: by! }),
    ),
    lines: [...section.matchAll(/^\| (?!attack \||---)/gm)].length,
  }));

describe("docs/threat-model.md", () => {
  it("has a section for each file of attacks", () => {
    expect(sections.map(({ file }) => file).sort()).toEqual([...files].sort());
  });

  it.each(files)("has each attack of %s once, and none that is not run", (file) => {
    const { rows, lines } = sections.find((section) => section.file === file)!;
    expect(rows).toHaveLength(lines);
    expect(rows.map(({ attack }) => attack).sort()).toEqual(namesOf(file).sort());
  });

  it("names more than a hundred attacks, each with what meets it", () => {
    const all = sections.flatMap(({ rows }) => rows);
    expect(all.length).toBeGreaterThan(100);
    for (const { by, attack } of all) expect(by.trim(), attack).not.toBe("");
  });

  it("names codes that the tests expect", () => {
    for (const { file, rows } of sections) {
      const source = readFileSync(new URL(file, folder), "utf8");
      const codes = rows.flatMap(({ by }) => [...by.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code!));
      for (const code of codes) expect(source, `${file}: ${code}`).toContain(`"${code}"`);
    }
  });
});
