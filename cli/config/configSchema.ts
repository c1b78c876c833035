import type { Section, Setting } from "./setting.js";
import { settingNames } from "./settingNames.js";
import { settings } from "./settings.js";

const types: Record<Setting["kind"], object> = {
  text: { type: "string", minLength: 1 },
  integer: { type: "integer", minimum: 0 },
  boolean: { type: "boolean" },
  list: { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
};

/** JSON Schema of a configuration file, from the tables of settings. */
export function configSchema(): object {
  const sections = (Object.keys(settings) as Section[]).map((section) => {
    const members = Object.entries(settings[section]).map(([name, { kind }]) => [
      settingNames.member(name),
      types[kind],
    ]);
    return [section, objectOf(Object.fromEntries(members))];
  });
  return objectOf(Object.fromEntries(sections));
}

const objectOf = (properties: object) => ({ type: "object", properties, additionalProperties: false });
