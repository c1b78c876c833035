import type { Check } from "./check.js";
import { findings } from "./findings.js";

export type ClockFacts = {
  /** What the kernel says of its synchronization; null when it cannot be told. */
  synchronized: boolean | null;
  /** This clock less the registry's, and how far off that can be, in ms; null when no registry was asked or none answered. */
  offset: { ahead_ms: number; error_ms: number } | null;
};

/** Reports from further ahead are refused at two minutes; time that windows lose counts as downtime. */
const fail_ms = 60_000;
const warn_ms = 5000;
const fix =
  "Start a time service: `systemctl enable --now chronyd`, or systemd-timesyncd (`timedatectl set-ntp true`).";

/** Does this clock follow the world's? */
export function checkClock(read: () => Promise<ClockFacts>): Check {
  return {
    id: "clock",
    async run() {
      const { synchronized, offset } = await read();
      const off_ms = offset === null ? 0 : Math.max(0, Math.abs(offset.ahead_ms) - offset.error_ms);
      if (offset !== null && off_ms > warn_ms) {
        const side = offset.ahead_ms > 0 ? "ahead of" : "behind";
        const says = `This clock is ${Math.round(off_ms / 1000)} s ${side} the registry's.`;
        return off_ms > fail_ms ? findings.fail(says, fix) : findings.warn(says, fix);
      }
      if (synchronized === false) return findings.warn("This clock is not synchronized.", fix);
      const agrees = offset === null ? "" : ", and agrees with the registry's";
      if (synchronized === true) return findings.ok(`This clock is synchronized${agrees}.`);
      if (offset !== null) return findings.ok("This clock agrees with the registry's.");
      return findings.unknown("Whether this clock is synchronized cannot be told.", `Look by hand. ${fix}`);
    },
  };
}
