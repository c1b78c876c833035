import type { Section } from "./setting.js";
import { settingNames } from "./settingNames.js";
import { settings } from "./settings.js";

/** An environment without configuration, for a child whose flags say all: what was meant for another must not reach it. */
export function withoutConfig(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const prefixes = (Object.keys(settings) as Section[]).map(settingNames.prefix);
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => name !== "CALIBER_CONFIG" && !prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );
}
