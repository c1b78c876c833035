import type { Section } from "./setting.js";

/** What a setting, named as its flag, is called elsewhere: `data-dir` of `agent` → `data_dir`, `CALIBER_AGENT_DATA_DIR`. */
export const settingNames = {
  member: (name: string): string => name.replaceAll("-", "_"),
  variable: (section: Section, name: string): string =>
    `${settingNames.prefix(section)}${settingNames.member(name).toUpperCase()}`,
  prefix: (section: Section): string => `CALIBER_${section.toUpperCase()}_`,
};
