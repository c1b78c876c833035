import { judgeTelemetry } from "../../protocol/plausibility/judgeTelemetry.js";
import { indexSeries, markOf, matchSeries } from "../../protocol/plausibility/matchSeries.js";
import { plausibilityCodes } from "../../protocol/plausibility/plausibilityCodes.js";
import { rememberTelemetry } from "../../protocol/plausibility/rememberTelemetry.js";
import { seriesKey } from "../../protocol/plausibility/seriesKey.js";
import type { Implausibility, TelemetryReport } from "../../protocol/report/schema.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

const knownCodes: ReadonlySet<string> = new Set(plausibilityCodes);
/** What an agent tells under a code that this registry does not know: codes are kept by device, so they are not its to invent. */
const toldCode = "IMPLAUSIBLE_TOLD";

/**
 * What is wrong with one window's readings, each told as a finding: what this registry finds itself, which it never takes
 * the agent's word for, and then what the agent tells beyond that.
 */
export function judgeReadings(
  fleet: FleetFold,
  fold: DeviceFold,
  { report, statement }: { report: TelemetryReport; statement: string },
  now_ms: number,
  sink: FoldSink,
): Implausibility[] {
  const { body, window } = report;
  const found = judgeTelemetry({
    body,
    window,
    before: fold.before,
    inventory: fold.inventory?.claims ?? null,
  });
  fold.before = rememberTelemetry(fold.before, body, window);
  const twin = judgeSeries(fleet, fold, { report, statement }, now_ms, sink);
  if (twin !== null) found.push(twin);
  if (body.implausible.length > 0) found.push(...toldBeyond(body.implausible, fold, found));
  for (const { code, evidence: text } of found) {
    raiseFinding(fleet, fold, { code, text, evidence: statement }, now_ms, sink);
  }
  return found;
}

/** What the agent tells and the registry does not find itself, each code once. */
function toldBeyond(
  told: readonly Implausibility[],
  fold: DeviceFold,
  found: readonly Implausibility[],
): Implausibility[] {
  const codes = new Set([...found, ...(fold.inventory?.implausible ?? [])].map(({ code }) => code));
  const beyond: Implausibility[] = [];
  for (const { code: own, evidence } of told) {
    const code = knownCodes.has(own) ? own : toldCode;
    if (codes.has(code)) continue;
    codes.add(code);
    beyond.push({ code, evidence: `told by the agent: ${evidence}` });
  }
  return beyond;
}

/**
 * Holds a window against those that other devices told of late. Who told them first is told of it and not harmed: a
 * copier must not be able to put the one that it copies in a bad state.
 */
function judgeSeries(
  fleet: FleetFold,
  fold: DeviceFold,
  { report, statement }: { report: TelemetryReport; statement: string },
  now_ms: number,
  sink: FoldSink,
): Implausibility | null {
  const key = seriesKey(report.body);
  if (key === null) return null;
  fleet.series ??= indexSeries(seriesOf(fleet));
  const match = matchSeries(fold.series, fleet.series, fold.device, key, report.seq);
  if (match === null) return null;
  const code = "SERIES_IDENTICAL";
  const first = fleet.devices.get(match.device);
  const mark = first === undefined ? null : markOf(first.series, key);
  const text = `report ${report.seq} and ${match.run - 1} before it say what those of device ${match.device} up to ${mark} said first`;
  if (first !== undefined) {
    const told = `device ${fold.device} repeats what this one says: its report ${report.seq} is the same as report ${mark} here`;
    raiseFinding(fleet, first, { code, text: told, evidence: statement }, now_ms, sink);
  }
  return { code, evidence: text };
}

function* seriesOf(fleet: FleetFold): Generator<readonly [string, DeviceFold["series"]]> {
  for (const { device, series } of fleet.devices.values()) yield [device, series];
}
