import { kernelLogError } from "./kernelLogErrors.js";
import type { LogReader } from "./logReader.js";
import { openJournal } from "./openJournal.js";
import { type KmsgOptions, openKmsg } from "./openKmsg.js";
import { openLogFile } from "./openLogFile.js";

/** `auto` takes the first that can be read of the device, the journal and /var/log/kern.log; a path names a log file. */
export type KernelLogSource = "auto" | "kmsg" | "journald" | `/${string}`;

export type KernelLogPaths = { kmsg: string; journalctl: string; journal: string; file: string };

/**
 * Not /var/log/messages: there any user of the machine can write lines that look like the kernel's, which syslog keeps
 * out of kern.log.
 */
export const kernelLogPaths: KernelLogPaths = {
  kmsg: "/dev/kmsg",
  journalctl: "journalctl",
  journal: "/run/systemd/journal",
  file: "/var/log/kern.log",
};

const remedyOf = (source: KernelLogSource) =>
  source.startsWith("/")
    ? "name a file that the agent's user may read (--kernel-log; kmsg stands for /dev/kmsg)"
    : "give the agent's user the group systemd-journal (in the unit: SupplementaryGroups=systemd-journal)";

/**
 * @throws CaliberError KERNEL_LOG_UNREADABLE when none of what `source` names can be read
 */
export async function openKernelLog(
  source: KernelLogSource,
  paths: KernelLogPaths,
  options: Omit<KmsgOptions, "path">,
): Promise<LogReader> {
  const { now_ms } = options;
  const ways: [string, () => LogReader | Promise<LogReader>][] = [];
  if (source === "auto" || source === "kmsg") {
    ways.push([paths.kmsg, () => openKmsg({ ...options, path: paths.kmsg })]);
  }
  if (source === "auto" || source === "journald") {
    ways.push(["journald", () => openJournal(paths, now_ms)]);
  }
  if (source !== "kmsg" && source !== "journald") {
    const path = source === "auto" ? paths.file : source;
    ways.push([path, () => openLogFile(path, now_ms)]);
  }
  const causes: unknown[] = [];
  const tried: string[] = [];
  for (const [name, open] of ways) {
    try {
      return await open();
    } catch (cause) {
      causes.push(cause);
      const { code, message } = cause as NodeJS.ErrnoException;
      tried.push(`${name}: ${code ?? message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 120)}`);
    }
  }
  throw kernelLogError(
    "KERNEL_LOG_UNREADABLE",
    `the kernel log cannot be read, so no Xid is seen: ${remedyOf(source)}`,
    {
      cause: causes.length === 1 ? causes[0] : new AggregateError(causes),
      details: tried.join("; "),
    },
  );
}
