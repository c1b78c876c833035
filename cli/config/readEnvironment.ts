import { CaliberError } from "../../protocol/errors.js";
import type { Given } from "./given.js";
import { readText } from "./readText.js";
import type { Section, Setting } from "./setting.js";
import { settingNames } from "./settingNames.js";
import { settings } from "./settings.js";

const wants: Record<Setting["kind"], string> = {
  text: "text",
  integer: "a whole number",
  boolean: "true or false",
  list: "a list with commas",
};

/**
 * The settings that variables give, by section. An empty variable gives nothing.
 *
 * @throws CaliberError CONFIG_VARIABLE_UNKNOWN for a variable of a section that is no setting of it,
 *   CONFIG_VARIABLE_INVALID; neither tells a value.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Record<Section, Map<string, Given>> {
  const found = { agent: new Map(), registry: new Map(), up: new Map() } as Record<
    Section,
    Map<string, Given>
  >;
  const known = new Set<string>();
  for (const section of Object.keys(settings) as Section[]) {
    for (const [name, { kind }] of Object.entries(settings[section])) {
      const at = settingNames.variable(section, name);
      known.add(at);
      const text = env[at];
      if (text === undefined || text === "") continue;
      const value = readText(kind, text);
      if (value === null) {
        throw new CaliberError("CONFIG_VARIABLE_INVALID", `${at} must be ${wants[kind]}`, {
          disposition: "user",
        });
      }
      found[section].set(name, { value, from: "environment", at });
    }
  }
  const prefixes = (Object.keys(settings) as Section[]).map(settingNames.prefix);
  const unknown = Object.keys(env).filter(
    (at) => prefixes.some((prefix) => at.startsWith(prefix)) && !known.has(at),
  );
  if (unknown.length > 0) {
    throw new CaliberError("CONFIG_VARIABLE_UNKNOWN", `no such setting: ${unknown.sort().join(", ")}`, {
      disposition: "user",
    });
  }
  return found;
}
