import { type ParseArgsConfig, parseArgs } from "node:util";
import { requiredOption } from "../options.js";
import type { Given, GivenSettings } from "./given.js";
import { readSettings } from "./readSettings.js";
import type { Section } from "./setting.js";
import { settings } from "./settings.js";

export type OptionTable = NonNullable<ParseArgsConfig["options"]>;

/**
 * A command's arguments, with flags added for those of its settings that file or environment give and no flag does, and
 * without `--config`. Asking for help reads no configuration, so that a broken one can be mended.
 *
 * @param command the words of the command: `agent run`, `up`
 * @returns `given`: what was added
 * @throws CaliberError as readSettings; OPTION_MISSING for `--config` without a file
 */
export async function configure(
  command: string,
  options: OptionTable,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ argv: string[]; given: GivenSettings }> {
  const [section, word = ""] = command.split(" ") as [Section, string?];
  // What is wrong with the flags themselves is for the command to say.
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, config: { type: "string" } },
    strict: false,
    allowPositionals: true,
    allowNegative: true,
    tokens: true,
  });
  const flags = tokens.filter((token) => token.kind === "option");
  const own = new Set<number>();
  let file: string | null = null;
  for (const flag of flags) {
    if (flag.name !== "config") continue;
    file = requiredOption("config", flag.value);
    own.add(flag.index);
    if (!flag.inlineValue) own.add(flag.index + 1);
  }
  const rest = argv.filter((_, i) => !own.has(i));
  const names = new Set(flags.map(({ name }) => name));
  if (names.has("help")) return { argv: rest, given: new Map() };
  const all = (await readSettings(file, env)).given[section];
  const added = [...all].filter(([name]) => {
    const { commands } = settings[section][name]!;
    return !names.has(name) && (commands.length === 0 || commands.includes(word));
  });
  return { argv: [...added.flatMap(asFlags), ...rest], given: new Map(added) };
}

function asFlags([name, { value }]: [string, Given]): string[] {
  if (typeof value === "boolean") return value ? [`--${name}`] : [];
  const values = typeof value === "object" ? value : [String(value)];
  return values.map((text) => `--${name}=${text}`);
}
