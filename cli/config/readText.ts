import type { SettingValue } from "./given.js";
import type { Setting } from "./setting.js";

/** A setting's value from text; null when the text cannot be one. Bounds and units are the command's affair. */
export function readText(kind: Setting["kind"], text: string): SettingValue | null {
  switch (kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : null;
    case "list": {
      const items = text.split(",").map((item) => item.trim());
      return items.includes("") ? null : items;
    }
    case "integer":
      return /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
    case "text":
      return text;
  }
}
