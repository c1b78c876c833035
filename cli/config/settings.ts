import { agentSettings } from "./agentSettings.js";
import { registrySettings } from "./registrySettings.js";
import type { Section, SettingTable } from "./setting.js";
import { upSettings } from "./upSettings.js";

/** Every setting of every section. Nothing that a part needs is imported here: a command loads all of it. */
export const settings: Readonly<Record<Section, SettingTable>> = {
  agent: agentSettings,
  registry: registrySettings,
  up: upSettings,
};
