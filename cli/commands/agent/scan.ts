import { closeSync, openSync, readSync } from "node:fs";
import { parseArgs } from "node:util";
import { hostFiles } from "../../../agent/hostFacts/hostFiles.js";
import { readHostFacts } from "../../../agent/hostFacts/readHostFacts.js";
import { systemClock } from "../../../agent/runtime/systemClock.js";
import { readOnce } from "../../../agent/scan/readOnce.js";
import { scanLive } from "../../../agent/scan/scanLive.js";
import type { ScanResult } from "../../../agent/scan/scanResult.js";
import { scanSaved } from "../../../agent/scan/scanSaved.js";
import { openSource } from "../../../agent/sources/openSource.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { scanText } from "./scanText.js";
import { sourceFlags, sourceSettings, sourceUsage } from "./sourceOptions.js";

const usage = `caliber agent scan [options]

  --from FILE            read what was saved instead: nvidia-smi -q -x, nvidia-smi --query-gpu=… --format=csv,
                         dcgm-exporter's metrics or a kernel log
${sourceUsage}  --json                 print it as JSON (docs/operator.md)

Reads the GPUs for a moment, without enrolment and without a running agent, and prints what the agent would report.
Nothing is signed and nothing leaves the host. Exit code 0: read; ${exitCodes.retry}: no GPU could be read.
`;

/** No saved reading is larger; a kernel log of weeks is. */
const longestFile_bytes = 256 * 1024 * 1024;
/** A driver that has to load first takes ten seconds and more. */
const patience_ms = 20_000;
const settle_ms = 2500;

export const options = {
  ...sourceFlags,
  from: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options,
  });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const settings = sourceSettings(values, { simulated: false });
  const result = values.from === undefined ? await live() : scanSaved(textOf(values.from), Date.now());
  if (values.json === true) io.out(`${JSON.stringify(result, null, 2)}\n`);
  if (result.gpus.length === 0 && result.from !== "kernel-log") throw noGpu(result);
  if (values.json !== true) io.out(scanText(result));
  return exitCodes.ok;

  async function live(): Promise<ScanResult> {
    const source = await openSource(settings, { known: [], clock: systemClock });
    const reading = await readOnce(source, { patience_ms, settle_ms });
    return scanLive(reading, readHostFacts(hostFiles()), Date.now());
  }
}

function textOf(path: string): string {
  try {
    return textUpTo(path, longestFile_bytes);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CaliberError("FILE_UNREADABLE", `--from: ${path} cannot be read (${code ?? message})`, {
      cause,
      disposition: "user",
    });
  }
}

/** By what it gives and not by its size, which a device or a pipe does not say. */
function textUpTo(path: string, limit_bytes: number): string {
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    const chunks: Buffer[] = [];
    for (let size = 0; ; ) {
      const length = readSync(fd, buffer);
      if (length === 0) return Buffer.concat(chunks).toString("utf8");
      size += length;
      if (size > limit_bytes) throw new Error(`it has more than ${limit_bytes} bytes`);
      chunks.push(Buffer.from(buffer.subarray(0, length)));
    }
  } finally {
    closeSync(fd);
  }
}

/** With every problem, since the one that matters (the driver's) need not be the first: the kernel log's may be. */
function noGpu({ problems }: ScanResult): CaliberError {
  const told = problems.map(({ message, details }) =>
    details === null ? message : `${message} (${details})`,
  );
  const why = told.length === 0 ? "" : `: ${told.join("; ")}`;
  return new CaliberError("SCAN_NO_GPU", `no GPU could be read${why}`, { disposition: "retryable" });
}
