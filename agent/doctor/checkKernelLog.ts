import { CaliberError } from "../../protocol/errors.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Can this user read the kernel's log? It is where the driver tells of Xids. `open` opens it and closes it again. */
export function checkKernelLog(open: () => Promise<void>): Check {
  return {
    id: "kernel-log",
    async run() {
      try {
        await open();
      } catch (error) {
        if (!(error instanceof CaliberError)) throw error;
        return findings.warn(
          `The kernel log cannot be read, so no Xid will be reported (${error.details ?? error.message}).`,
          "Add the agent's user to the group systemd-journal, as packaging/systemd/caliber.sysusers.conf does, or name another log with --kernel-log.",
        );
      }
      return findings.ok("The kernel log can be read: Xids will be reported.");
    },
  };
}
