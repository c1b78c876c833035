import { describe, expect, it } from "vitest";
import { commandTable } from "../commandTable.js";
import type { OptionTable } from "./configure.js";
import type { Section, Setting } from "./setting.js";
import { settings } from "./settings.js";

/** What is meant for one call, and must not be said once for all: above all `yes`. */
const forOneCall: Record<string, readonly string[]> = {
  up: [],
  "agent run": ["exit-with-parent"],
  "agent scan": ["from"],
  "agent pause": ["for", "in", "reason", "gpu"],
  "agent rotate": ["gpu"],
  "agent retire": ["gpu", "reason", "yes"],
  "agent unenroll": ["yes"],
  "registry run": ["exit-with-parent"],
  "registry token": ["recipient", "operator", "name", "out", "valid", "scope", "ek"],
  "registry approve": ["terms", "valid", "until", "combine"],
  "registry rebuild": ["check"],
  "registry dispute": ["device", "outcome", "by", "reason"],
  "registry key": ["key", "overlap"],
  "registry replace": ["token", "device", "signature"],
  "registry revoke": ["host", "reason"],
  "registry writer-key": ["from"],
};

const configured = Object.keys(commandTable).filter((command) =>
  Object.hasOwn(settings, command.split(" ")[0]!),
);

function settingsOf(command: string): [string, Setting][] {
  const [section, word = ""] = command.split(" ") as [Section, string?];
  return Object.entries(settings[section]).filter(
    ([, { commands }]) => commands.length === 0 || commands.includes(word),
  );
}

const optionOf = ({ kind }: Setting): OptionTable[string] =>
  kind === "boolean"
    ? { type: "boolean" }
    : kind === "list"
      ? { type: "string", multiple: true }
      : { type: "string" };

describe("settings", () => {
  it.each(configured)(
    "are every option of `%s` that is not for one call, and of its type",
    async (command) => {
      const { options } = await commandTable[command]!();
      const own = Object.entries(options).filter(
        ([name]) => ![...(forOneCall[command] ?? []), "json", "help"].includes(name),
      );
      expect(
        Object.fromEntries(settingsOf(command).map(([name, setting]) => [name, optionOf(setting)])),
      ).toEqual(Object.fromEntries(own));
    },
  );

  it("name commands that exist", () => {
    for (const section of ["agent", "registry"] as const) {
      for (const { commands } of Object.values(settings[section])) {
        expect(commands.length).toBeGreaterThan(0);
        for (const word of commands) expect(configured).toContain(`${section} ${word}`);
      }
    }
  });

  it.each(configured)("tell the default that the help of `%s` tells", async (command) => {
    let help = "";
    await (await commandTable[command]!()).run(["--help"], {
      out: (text) => {
        help += text;
      },
      err: () => undefined,
    });
    for (const [name, { kind, says }] of settingsOf(command)) {
      const line = help.split("\n").find((text) => text.includes(`--${name} `));
      expect(line, name).toBeDefined();
      const otherwise = /\(`([^`]+)`/.exec(says)?.[1];
      if (otherwise === undefined || kind === "boolean") continue;
      // A default stands in parentheses, or as the example.
      if (!line!.includes(`--${name} ${otherwise} `)) expect(line).toContain(`(${otherwise}`);
    }
  });
});
