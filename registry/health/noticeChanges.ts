import type { DeviceFold, InventoryFacts } from "./deviceFold.js";
import type { FindingCode } from "./findingCodes.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import type { InventoryMarks, Marks } from "./marksOf.js";
import { raiseFinding } from "./raise.js";

const codes = {
  machine: "MACHINE_CHANGED",
  part: "PART_CHANGED",
  vbios: "VBIOS_CHANGED",
  driver: "DRIVER_CHANGED",
} as const satisfies Record<keyof InventoryMarks, FindingCode>;
/** Values are the host's words, up to 128 characters each: a finding shows enough of them to tell them apart. */
const longest = 48;

/**
 * Holds a new inventory against the one before it: a driver may be updated and a server repaired, but a lender is told.
 * A value that is not told (null) is no change, and the last one that was told stays what the next is held against.
 *
 * @returns the marks for the next inventory to be held against.
 */
export function noticeChanges(
  fleet: FleetFold,
  fold: DeviceFold,
  before: InventoryFacts | null,
  after: { statement: string; marks: InventoryMarks },
  now_ms: number,
  sink: FoldSink,
): InventoryMarks {
  if (before === null) return after.marks;
  const { statement, marks } = after;
  for (const group of ["machine", "part", "vbios", "driver"] as const) {
    const changes = changesOf(before.marks[group], marks[group]);
    if (changes.length === 0) continue;
    const text = `${changes.join(", ")}: statement ${before.statement} against ${statement}`;
    raiseFinding(fleet, fold, { code: codes[group], text, evidence: statement }, now_ms, sink);
  }
  return {
    machine: lastTold(before.marks.machine, marks.machine),
    part: lastTold(before.marks.part, marks.part),
    vbios: lastTold(before.marks.vbios, marks.vbios),
    driver: lastTold(before.marks.driver, marks.driver),
  };
}

function changesOf(before: Marks, after: Marks): string[] {
  return Object.entries(after).flatMap(([name, value]) => {
    const old = before[name] ?? null;
    return old === null || value === null || old === value
      ? []
      : [`${name} ${shown(old)} to ${shown(value)}`];
  });
}

function lastTold(before: Marks, after: Marks): Marks {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value ?? before[name] ?? null]),
  );
}

function shown(value: string | number): string {
  return String(value).slice(0, longest);
}
