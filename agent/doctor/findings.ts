import type { CheckStatus, Finding } from "./check.js";

/** Short forms of the four findings. */
export const findings = {
  ok: (says: string): Finding => ({ status: "ok", says, fix: null }),
  warn: (says: string, fix: string): Finding => ({ status: "warn", says, fix }),
  fail: (says: string, fix: string): Finding => ({ status: "fail", says, fix }),
  unknown: (says: string, fix: string): Finding => ({ status: "unknown", says, fix }),
} satisfies Record<CheckStatus, unknown>;
