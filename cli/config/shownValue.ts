import type { SettingValue } from "./given.js";
import type { Setting } from "./setting.js";

/** A value as it may be shown: of an address that may carry a key its origin alone, as `https://host/***`. */
export function shownValue(setting: Setting, value: SettingValue): SettingValue {
  if (setting.secret !== true) return value;
  if (typeof value === "object") return value.map((item) => String(shownValue(setting, item)));
  const text = String(value);
  if (!URL.canParse(text)) return "***";
  const { protocol, host } = new URL(text);
  return host === "" ? "***" : `${protocol}//${host}/***`;
}
