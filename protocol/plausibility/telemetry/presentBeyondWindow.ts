import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

export const presentBeyondWindow: TelemetryRule = {
  code: "PRESENT_BEYOND_WINDOW",
  judge({ body: { present_ms }, window }) {
    const length = window.end_ms - window.start_ms;
    if (present_ms <= length) return null;
    return `present for ${words.seconds(present_ms)} of a window of ${words.seconds(length)}`;
  },
};
