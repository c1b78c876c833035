import { parseArgs } from "node:util";
import { CaliberError } from "../../../protocol/errors.js";
import type { Given } from "../../config/given.js";
import { readSettings } from "../../config/readSettings.js";
import { readText } from "../../config/readText.js";
import type { Section, SettingTable } from "../../config/setting.js";
import { settingNames } from "../../config/settingNames.js";
import { settings } from "../../config/settings.js";
import { shownValue } from "../../config/shownValue.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";

const sections = Object.keys(settings) as Section[];

const usage = `caliber config print [${sections.join("|")}] [--config FILE] [--json] [the section's flags]

What the configuration says, and where: file, environment or flag, the last the strongest. What nobody gives is the
command's own default (docs/configuration.md). Addresses that may carry a key are masked. It checks names and types;
units, bounds and choices are checked by the commands.
`;

export const options = {
  config: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Row = { value: unknown; from: Given["from"] | "default"; at: string | null };

export async function run(argv: string[], io: Io, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const section = sectionOf(argv);
  const { values, positionals } = parseArgs({
    args: argv,
    options: { ...(section === undefined ? {} : flagsOf(settings[section])), ...options },
    allowPositionals: true,
    allowNegative: true,
  });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  if (positionals.length > 1 || positionals.some((name) => name !== section)) {
    io.err(`caliber config print: no such section: ${positionals.join(" ")}\n\n${usage}`);
    return exitCodes.usage;
  }
  const { config, json, help, ...flags } = values;
  const { file, given } = await readSettings((config as string | undefined) ?? null, env);
  if (section !== undefined) {
    for (const [name, value] of Object.entries(flags)) given[section].set(name, ofFlag(section, name, value));
  }
  const shown = section === undefined ? sections : [section];
  const rows = shown.map((name): [Section, [string, Row][]] => [name, rowsOf(name, given[name])]);
  io.out(json === true ? jsonOf(file, rows) : textOf(file, rows));
  return exitCodes.ok;
}

/** The section that is asked for: it decides which flags there are. A word that is none is told later. */
function sectionOf(argv: string[]): Section | undefined {
  const all = Object.assign({}, ...Object.values(settings).map(flagsOf), options);
  const { positionals } = parseArgs({ args: argv, options: all, strict: false, allowPositionals: true });
  return sections.find((name) => name === positionals[0]);
}

function flagsOf(table: SettingTable) {
  return Object.fromEntries(
    Object.entries(table).map(([name, { kind }]) => [
      name,
      kind === "boolean"
        ? { type: "boolean" as const }
        : { type: "string" as const, multiple: kind === "list" },
    ]),
  );
}

function ofFlag(section: Section, name: string, value: unknown): Given {
  const { kind } = settings[section][name]!;
  const read = kind === "integer" ? readText(kind, value as string) : (value as Given["value"]);
  if (read === null) {
    throw new CaliberError("OPTION_INVALID", `--${name} is a whole number`, { disposition: "user" });
  }
  return { value: read, from: "flag", at: `--${name}` };
}

function rowsOf(section: Section, given: ReadonlyMap<string, Given>): [string, Row][] {
  return Object.entries(settings[section]).map(([name, setting]) => {
    const found = given.get(name);
    const row: Row =
      found === undefined
        ? { value: null, from: "default", at: null }
        : { value: shownValue(setting, found.value), from: found.from, at: found.at };
    return [settingNames.member(name), row];
  });
}

function jsonOf(file: string | null, rows: readonly [Section, [string, Row][]][]): string {
  const settings = Object.fromEntries(
    rows.map(([section, members]) => [section, Object.fromEntries(members)]),
  );
  return `${JSON.stringify({ v: 1, file, settings }, null, 2)}\n`;
}

function textOf(file: string | null, rows: readonly [Section, [string, Row][]][]): string {
  const wide = Math.max(...rows.flatMap(([, members]) => members.map(([name]) => name.length)));
  const blocks = rows.map(([section, members]) =>
    [
      section,
      ...members.map(([name, { value, from, at }]) =>
        from === "default"
          ? `  ${name.padEnd(wide)}  default`
          : `  ${name.padEnd(wide)}  ${JSON.stringify(value)}  (${from}: ${at})`,
      ),
    ].join("\n"),
  );
  return `${[`file  ${file ?? "none"}`, ...blocks].join("\n\n")}\n`;
}
