import { statSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";
import type { Identity } from "../enrol/identity.js";
import { hostFiles } from "../hostFacts/hostFiles.js";
import { systemClock } from "../runtime/systemClock.js";
import { type OneReading, readOnce } from "../scan/readOnce.js";
import { openSource, type SourceSettings } from "../sources/openSource.js";
import type { Check } from "./check.js";
import { checkClock } from "./checkClock.js";
import { checkDataDir } from "./checkDataDir.js";
import { checkDisk } from "./checkDisk.js";
import { clockFacts } from "./clockFacts.js";
import { diskFacts } from "./diskFacts.js";
import { enrolledChecks } from "./enrolledChecks.js";
import { findings } from "./findings.js";
import { hostChecks } from "./hostChecks.js";

export type DoctorOptions = {
  settings: SourceSettings;
  /** Null: only what can be looked at without one. */
  data_dir: string | null;
  /** Null where the data directory holds none; why it cannot be read where it holds one that cannot. */
  identity: Identity | CaliberError | null;
};

/** A driver that has to load first takes ten seconds. */
const patience_ms = 12_000;

/** Every check that applies to this machine as it stands. */
export function doctorChecks({ settings, data_dir, identity: found }: DoctorOptions): Check[] {
  const identity = found instanceof CaliberError ? null : found;
  const files = hostFiles();
  let reading: Promise<OneReading> | undefined;
  const read = (): Promise<OneReading> => {
    reading ??= openSource(settings, { known: [], clock: systemClock }).then((source) =>
      readOnce(source, { patience_ms, settle_ms: 0 }),
    );
    return reading;
  };
  const simulated = identity?.simulated ?? false;
  return [
    ...hostChecks({ settings, simulated, files, read }),
    checkClock(() => clockFacts(files, identity)),
    ...(data_dir === null ? [] : [checkDataDir(data_dir, process.getuid?.() ?? 0)]),
    ...(data_dir === null || !isDirectory(data_dir) ? [] : [checkDisk(() => diskFacts(data_dir))]),
    ...(data_dir !== null && found === null ? [notEnrolled] : []),
    ...(found instanceof CaliberError ? [unreadable(found)] : []),
    ...(data_dir === null || identity === null ? [] : enrolledChecks(data_dir, identity, read)),
  ];
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const notEnrolled: Check = {
  id: "enrolment",
  run: () =>
    findings.fail(
      "This host is not enrolled: the data directory holds no identity.",
      "Ask the lender for an enrolment token, and run `caliber agent enroll`.",
    ),
};

const unreadable = ({ message }: CaliberError): Check => ({
  id: "enrolment",
  run: () =>
    findings.fail(
      `The identity in the data directory is of no use: ${message}.`,
      "Look whether another program wrote it; without it the host has to be enrolled anew: ask the lender.",
    ),
});
