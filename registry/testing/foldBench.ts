import { createHash } from "node:crypto";
import { genesisPrev } from "../../protocol/chain/chainHead.js";
import type { CaliberEvent, FindingEvent, HealthEvent } from "../../protocol/events/healthEvent.js";
import { healthEventType } from "../../protocol/events/healthEvent.js";
import type { ChainBody, KeyBody } from "../../protocol/log/entryBodies.js";
import type {
  GapReason,
  GapReport,
  InventoryBody,
  Report,
  ReportKind,
  TelemetryBody,
} from "../../protocol/report/schema.js";
import { busyTelemetry, inventoryOf } from "../../test/support/testReports.js";
import type { Outage, Standing, Stretch } from "../health/account.js";
import { createFleetFold } from "../health/fleetFold.js";
import { type FoldEntry, foldCommit } from "../health/foldEntry.js";
import type { FoldSink } from "../health/foldSink.js";
import { type HealthPolicy, healthPolicies } from "../health/policy.js";

type Unplaced<T> = T extends { idx: number } ? Omit<T, "idx"> : never;
type NewEntry = Unplaced<FoldEntry>;

/** The fold by itself: no log, no store, no keys. Commits are closed by hand, at the time that is asked for. */
export function foldBench(policy: HealthPolicy = healthPolicies.standard, start_ms = Date.UTC(2026, 10, 21)) {
  const fleet = createFleetFold("test.example/log", policy);
  const events: CaliberEvent[] = [];
  const windows: { seq: number; standing: Standing }[] = [];
  const stretches: Stretch[] = [];
  const outages: Outage[] = [];
  const beacons: ChainBody[] = [];
  const sink: FoldSink = {
    host: () => undefined,
    hostRevoked: () => undefined,
    device: () => undefined,
    keyEnded: () => undefined,
    registryKey: () => undefined,
    changed: () => undefined,
    report: (_fold, { report }, standing) => void windows.push({ seq: report.seq, standing }),
    stretch: (_fold, stretch) => void stretches.push(stretch),
    event: (_fold, event) => void events.push(event),
    beacon: (body) => void beacons.push(body),
    outage: (outage) => void outages.push(outage),
  };
  let now_ms = start_ms;
  let idx = 0;
  const chains = new Map<string, { seq: number; prev: string; end_ms: number }>();

  const commit = (entries: FoldEntry[] = []): void => {
    const first = idx - entries.length;
    foldCommit(fleet, entries, { idx, body: { received_at_ms: now_ms, first, count: entries.length } }, sink);
    idx += 1;
  };
  const bench = {
    fleet,
    events,
    windows,
    stretches,
    outages,
    beacons,
    now: () => now_ms,
    commit,
    /** Closes a commit with these entries, now. */
    put(...entries: NewEntry[]): void {
      commit(entries.map((entry) => ({ ...entry, idx: idx++ }) as FoldEntry));
    },
    /** Lets time pass with a tick every `every_ms`. */
    pass(ms: number, every_ms = 5_000): void {
      const until_ms = now_ms + ms;
      while (now_ms < until_ms) {
        now_ms = Math.min(now_ms + every_ms, until_ms);
        commit();
      }
    },
    /** Lets time pass without ticks: the registry is down. */
    down(ms: number): void {
      now_ms += ms;
      commit();
    },
    enrol(device: string, host = "h-1"): void {
      const body: KeyBody = {
        type: "enrol",
        at_ms: now_ms,
        host,
        host_spki: "",
        recipient: `0x${"11".repeat(20)}`,
        simulated: true,
        label: host,
        devices: [{ device, spki: "" }],
      };
      chains.set(device, { seq: 0, prev: genesisPrev, end_ms: now_ms });
      bench.put({ kind: "key", body });
    },
    /** After a rotation: the chain goes on under the next key. */
    follow: (device: string, former: string): void => void chains.set(device, chains.get(former)!),
    fold: (device: string) => fleet.devices.get(device)!,
    /** The next report of a device's chain, not yet put in. */
    next<K extends ReportKind>(
      device: string,
      kind: K,
      body: Extract<Report, { kind: K }>["body"],
      window?: { start_ms: number; end_ms: number },
      skip = 0,
    ): NewEntry {
      const chain = chains.get(device)!;
      const { start_ms: from, end_ms: to } = window ?? { start_ms: chain.end_ms, end_ms: now_ms };
      const seq = chain.seq + skip;
      const statement = createHash("sha256").update(`${device}/${seq}`).digest("hex");
      const report = {
        v: 1,
        kind,
        device,
        host: fleet.devices.get(device)!.host,
        boot: "00".repeat(16),
        seq,
        prev: chain.prev,
        window: { start_ms: from, end_ms: to, mono_start_ms: 0, mono_end_ms: to - from },
        beacon: null,
        agent: "test/1",
        source: "nvidia-smi",
        simulated: true,
        body,
      } as unknown as Report;
      chains.set(device, { seq: seq + 1, prev: statement, end_ms: to });
      return { kind: "report", statement, report };
    },
    telemetry(device: string, change: Partial<TelemetryBody> = {}): void {
      const { end_ms } = chains.get(device)!;
      const body = { ...busyTelemetry, present_ms: now_ms - end_ms, ...change };
      bench.put(bench.next(device, "telemetry", body));
    },
    inventory(device: string, uuid: string, change: Partial<InventoryBody> = {}): void {
      const body = { ...inventoryOf(uuid), ...change };
      bench.put(bench.next(device, "inventory", body, { start_ms: now_ms, end_ms: now_ms }));
    },
    /** Time passes and the device reports each minute what it is told to. */
    report(device: string, minutes: number, change: Partial<TelemetryBody> = {}): void {
      for (let i = 0; i < minutes; i += 1) {
        bench.pass(60_000, 30_000);
        bench.telemetry(device, change);
      }
    },
    state: (device: string) => {
      const { state, cause } = fleet.devices.get(device)!;
      return `${state}/${cause}`;
    },
    health: (device: string): HealthEvent[] =>
      events.filter((e): e is HealthEvent => e.type === healthEventType && e.data.device === device),
    findings: (device: string): FindingEvent[] =>
      events.filter((e): e is FindingEvent => e.type !== healthEventType && e.data.device === device),
  };
  return bench;
}

export const gapBody = (
  from_ms: number,
  to_ms: number,
  reason: GapReason = "restart",
): GapReport["body"] => ({
  reason,
  from_ms,
  to_ms,
  dropped: null,
  local_head_seq: null,
  note: null,
});
