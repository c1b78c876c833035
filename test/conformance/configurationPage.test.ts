import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfigFile } from "../../cli/config/readConfigFile.js";
import { readEnvironment } from "../../cli/config/readEnvironment.js";
import type { Section } from "../../cli/config/setting.js";
import { settingNames } from "../../cli/config/settingNames.js";
import { settings } from "../../cli/config/settings.js";

const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? "";
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| `.+ \|$/gm)].map(([row]) => row.slice(2, -2).split(" | "));

describe("docs/configuration.md", () => {
  it.each(Object.keys(settings) as Section[])("has a row for every setting of `%s`, and no other", (name) => {
    const expected = Object.entries(settings[name]).map(([option, { kind, commands, says }]) => [
      `\`${settingNames.member(option)}\``,
      kind,
      ...(commands.length === 0 ? [] : [commands.map((word) => `\`${word}\``).join(" ")]),
      says,
    ]);
    expect(rowsOf(section(`Section \`${name}\``))).toEqual(expected);
  });

  it("has an example that is taken", () => {
    const dir = mkdtempSync(join(tmpdir(), "caliber-page-"));
    try {
      const path = join(dir, "caliber.json");
      writeFileSync(path, /```json\n(.*?)```/s.exec(page)![1]!);
      const { agent, registry } = readConfigFile(path);
      expect([agent.size, registry.size]).toEqual([3, 5]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("names variables as they are read", () => {
    const [, variable] = /`data_dir` of `agent` is `(CALIBER_[A-Z_]+)`/.exec(section("Variables"))!;
    expect(readEnvironment({ [variable!]: "/x" }).agent.get("data-dir")?.value).toBe("/x");
    for (const name of Object.keys(settings) as Section[]) {
      expect(section("Variables")).toContain(`\`${settingNames.prefix(name)}\``);
    }
  });

  it("has a row for each code, and no other", () => {
    const codes = rowsOf(section("What can be wrong")).map(([code]) => code!.replaceAll("`", ""));
    const thrown = ["readConfigFile", "readEnvironment"].flatMap((file) => {
      const text = readFileSync(new URL(`../../cli/config/${file}.ts`, import.meta.url), "utf8");
      return [...text.matchAll(/"(CONFIG_[A-Z_]+)"/g)].map(([, code]) => code);
    });
    expect([...codes].sort()).toEqual([...new Set(thrown)].sort());
  });
});
