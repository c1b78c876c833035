import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { childEnv } from "../nvidiaSmi/childEnv.js";
import { createLineSplitter } from "../nvidiaSmi/lineSplitter.js";
import { type LogReader, maxLinesPerPoll } from "./logReader.js";
import { parseJournalLine } from "./parseJournalLine.js";

/** What journalctl says on standard error when it will show nothing, whatever the kernel prints. */
const blind = /insufficient permissions|not seeing messages|no journal files/i;
/** Until then a child that cannot read has said so. */
const settle_ms = 1000;
/** How long close() waits for a killed child. */
const closeWait_ms = 1000;

/**
 * Follows the kernel's messages of the journal from now on, by one `journalctl --follow` child. While more lines come
 * than are taken, the child waits, and the journal keeps them.
 *
 * @throws Error when there is no journald, journalctl is missing, ends at once, or may not see the kernel's messages
 */
export async function openJournal(
  paths: { journalctl: string; journal: string },
  now_ms: () => number,
): Promise<LogReader> {
  // Without journald, journalctl follows nothing for ever and says not a word.
  statSync(paths.journal);
  const child = spawn(
    paths.journalctl,
    ["--dmesg", "--follow", "--lines=0", "--output=json", "--output-fields=MESSAGE", "--no-pager"],
    { env: childEnv({}), stdio: ["ignore", "pipe", "pipe"] },
  );
  let lines: string[] = [];
  let said = "";
  let failed: Error | null = null;
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      failed = error;
      resolve();
    });
    child.on("close", (code, signal) => {
      failed ??= new Error(`journalctl ended with ${signal ?? `exit code ${code}`}: ${said.trim()}`);
      resolve();
    });
  });
  const split = createLineSplitter((line) => {
    if (line.includes("NVRM: ")) lines.push(line);
    if (lines.length >= maxLinesPerPoll) child.stdout.pause();
  });
  child.stdout.setEncoding("utf8").on("data", split);

  const kill = async () => {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
    await Promise.race([ended, after(closeWait_ms)]);
  };
  const seesNothing = new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said = (said + chunk).slice(-500);
      if (!blind.test(said)) return;
      failed ??= new Error(`journalctl shows no kernel messages: ${said.trim()}`);
      resolve();
    });
  });
  await Promise.race([ended, seesNothing, after(settle_ms)]);
  if (failed !== null) {
    await kill();
    throw failed;
  }

  return {
    poll(onLine) {
      const taken = lines;
      lines = [];
      child.stdout.resume();
      for (const line of taken) {
        const entry = parseJournalLine(line);
        if (entry === null) continue;
        const at_ms = Math.min(entry.at_ms ?? Number.POSITIVE_INFINITY, now_ms());
        for (const part of entry.text.split("\n")) onLine(part, at_ms);
      }
      if (failed !== null) throw failed;
      return taken.length >= maxLinesPerPoll;
    },
    close: kill,
  };
}

/** Resolves after that time, without keeping the process alive. */
const after = (delay_ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, delay_ms).unref();
  });
