import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { openEnvelope } from "../../protocol/dsse/openEnvelope.js";
import { payloadOfPae } from "../../protocol/dsse/payloadOfPae.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { type CaliberEvent, type HealthEvent, healthEventType } from "../../protocol/events/healthEvent.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import type { Report } from "../../protocol/report/schema.js";
import { eventTopic } from "../../protocol/topics.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { databasePath } from "../../registry/databasePath.js";
import { processesOf } from "../support/processesOf.js";
import { until } from "../support/until.js";
import { readEntries, walkLog } from "../support/walkLog.js";
import { followStream, type Stream } from "./support/followStream.js";
import { openSystem, type System } from "./support/openSystem.js";
import { runCaliber } from "./support/runCaliber.js";
import { type Keeper, startKeeper } from "./support/startKeeper.js";
import { startUp, type Up } from "./support/startUp.js";
import { type ChainWatch, watchChain } from "./support/watchChain.js";

const scenario = fileURLToPath(new URL("../../fixtures/scenarios/e2e.json", import.meta.url));
const data_dir = mkdtempSync(join(tmpdir(), "caliber-e2e-"));
const args = ["--simulate", "--scenario", scenario, "--data-dir", data_dir, "--window", "3s"];
const database = databasePath(join(data_dir, "registry"));
const figures: Record<string, number> = {};

let up: Up;
let system: System;
let keeper: Keeper;
let stream: Stream;
let chain: ChainWatch;
/** As they stood when all were minted. */
let first: DeviceView[];

afterAll(async () => {
  stream?.stop();
  for (const { pid } of processesOf(data_dir)) process.kill(pid, "SIGKILL");
  rmSync(data_dir, { recursive: true, force: true });
  console.info(`figures: ${JSON.stringify(figures)}`);
});

const isTitled = ({ devices }: { devices: DeviceView[] }): boolean =>
  devices.length === 16 && devices.every(({ token }) => token !== null);
const isHealthy = ({ devices }: { devices: DeviceView[] }): boolean =>
  devices.every(({ derived }) => derived.state === "healthy");
const isFull = ({ devices }: { devices: DeviceView[] }): boolean =>
  devices.every(({ reported, derived }) => reported !== null && derived.usage["24h"].util_permille !== null);
const tokenIdOf = (device: string): string => first.find((view) => view.device === device)!.token!.token_id;

/** Waits for the step that takes a device to a state, once it has been told on the way there. */
type State = HealthEvent["data"]["current"];
function step(device: string, previous: State, current: State, cause: string, timeout_ms: number) {
  return until(`${device.slice(0, 8)} becomes ${current}: ${cause}`, timeout_ms, () =>
    up.events
      .map(({ event }) => event)
      .filter((event): event is HealthEvent => event.type === healthEventType)
      .findLast(
        ({ data, subject }) =>
          data.device === device &&
          data.previous === previous &&
          data.current === current &&
          data.cause === cause &&
          // The one step before its token is its first report.
          subject.startsWith("did:"),
      ),
  );
}

/** The token's health on chain is what the event says, by the evidence that it names. */
async function onChain({ data }: HealthEvent): Promise<void> {
  const { bytes } = await system.provenEntry(data.evidence);
  const isTick = data.evidence.startsWith("tick:");
  const evidence_hash = isTick ? leafHash(bytes).toString("hex") : data.evidence;
  const { on_chain } = await chain.saw(tokenIdOf(data.device), {
    state: data.current,
    cause: data.cause,
    evidence_hash,
  });
  expect(on_chain.since_ms).toBe(Math.floor(data.since_ms / 1000) * 1000);
  expect(on_chain.valid_until_ms).toBeGreaterThan(Date.now());
}

/** The report that an event rests on, from the log, with its proof. */
async function evidenceOf({ data }: HealthEvent): Promise<Report> {
  const { entry } = await system.provenEntry(data.evidence);
  if (entry.kind !== "report") throw new Error(`${data.evidence} is no report`);
  expect(entry.device).toBe(data.device);
  return JSON.parse(payloadOfPae(entry.pae).payload.toString()) as Report;
}

function expectSubject(event: HealthEvent): void {
  const { chain_id, contract, token_id } = first.find(({ device }) => device === event.data.device)!.token!;
  expect(event.subject).toBe(`did:erc721:${chain_id}:${contract}:${token_id}`);
}

describe("the first start", () => {
  beforeAll(() => {
    up = startUp(args);
  });

  it("mints sixteen tokens within 30 s, each GPU shown with all that is known of it", async () => {
    await up.untilDevices("the registry", 25_000, ({ devices }) => devices.length > 0);
    figures.registry_up_s = (Date.now() - up.started_ms) / 1000;
    system = openSystem(data_dir);
    stream = followStream(system.api_url, system.token);
    keeper = await startKeeper(data_dir, system.ports.mqtt);
    const minted = await up.untilDevices("16 tokens", 30_000, isTitled);
    const { at_ms, devices } = await up.untilDevices(
      "a table without a dash",
      30_000,
      (now) => isTitled(now) && isHealthy(now) && isFull(now),
    );
    figures.tokens_s = (minted.at_ms - up.started_ms) / 1000;
    figures.table_full_s = (at_ms - up.started_ms) / 1000;
    expect(at_ms - up.started_ms).toBeLessThan(30_000);
    first = devices;
    chain = watchChain(
      system,
      devices.map(({ token }) => token!.token_id),
    );
    expect(devices.map(({ token }) => Number(token!.token_id)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, i) => i + 1),
    );
    for (const { declared, derived, reported, simulated, assurance } of devices) {
      expect(["sim-a", "sim-b"]).toContain(declared.label);
      expect(declared.model).toBe(declared.label === "sim-a" ? "NVIDIA H100 80GB HBM3" : "NVIDIA H200");
      expect(declared.uuid).toMatch(/^GPU-/);
      expect(simulated).toBe(true);
      expect(reported).toMatchObject({ presence: "present" });
      // A busy GPU, with short dips.
      expect(reported!.util_permille).toBeGreaterThan(0);
      expect(derived.usage["24h"].util_permille).toBeGreaterThan(300);
      expect(derived.usage["24h"].uptime_permille).toBeGreaterThan(0);
      expect(at_ms - derived.last_verified_ms!).toBeLessThan(10_000);
      expect(assurance).toEqual({ key: "software", identity: "declared", presence_at_ms: null });
    }
    expect(await system.totals()).toEqual({ minted: 16, supply: 16 });
    for (const { device, token } of devices) {
      expect(await system.chain.titleOf(BigInt(token!.token_id))).toMatchObject({ device, amendments: 0 });
    }
  });

  it("says that all of it is simulated, and where its API and token are", async () => {
    expect(up.notes[0]).toMatch(/simulated/);
    expect(up.notes.join("\n")).toContain(system.api_url);
    expect((await fetch(`${system.api_url}/v1/devices`)).status).toBe(401);
    expect((await fetch(`${system.api_url}/healthz`)).status).toBe(200);
    const metrics = await (await system.get("/metrics")).text();
    expect(metrics).toMatch(/^caliber_/m);
  });

  it("tells a GPU that fell off the bus as lost, with proven evidence, on chain too, and its return", async () => {
    const device = system.devicesOf("sim-a")[5]!;
    const lost = await step(device, "healthy", "lost", "gpu_lost", 40_000);
    expect(lost.data).toMatchObject({ simulated: true });
    expectSubject(lost);
    const report = await evidenceOf(lost);
    expect(report).toMatchObject({ kind: "telemetry", simulated: true, body: { presence: "lost" } });
    await onChain(lost);
    const back = await step(device, "lost", "healthy", "none", 40_000);
    expect(await evidenceOf(back)).toMatchObject({ kind: "telemetry", body: { presence: "present" } });
    await onChain(back);
  });

  it("tells uncorrectable memory errors as impaired, and the reset that ends them", async () => {
    const device = system.devicesOf("sim-a")[2]!;
    const impaired = await step(device, "healthy", "impaired", "ecc_uncorrectable", 40_000);
    expect(impaired.data).toMatchObject({ value: 3, threshold: 1 });
    expectSubject(impaired);
    expect(await evidenceOf(impaired)).toMatchObject({ body: { ecc_volatile: { dram_uncorrectable: 3 } } });
    await onChain(impaired);
    const back = await step(device, "impaired", "healthy", "none", 40_000);
    await onChain(back);
  });

  it("tells idle GPUs as watch, those and no others, and that they work again", async () => {
    for (const device of system.devicesOf("sim-b").slice(0, 5)) {
      const watch = await step(device, "healthy", "watch", "utilization_low", 40_000);
      expect(watch.data).toMatchObject({ threshold: 50 });
      expect(watch.data.value).toBeLessThan(50);
      await evidenceOf(watch);
      await onChain(watch);
    }
    for (const device of system.devicesOf("sim-b").slice(0, 5)) {
      const back = await step(device, "watch", "healthy", "none", 40_000);
      await onChain(back);
    }
  });

  it("tells a silent host's GPUs as stale by the log's own clock, and their return with a signed gap", async () => {
    const devices = system.devicesOf("sim-b");
    for (const device of devices) {
      const stale = await step(device, "healthy", "stale", "device_silent", 60_000);
      expect(stale.data).toMatchObject({ threshold: 25_000 });
      expect(stale.data.value).toBeGreaterThan(25_000);
      const { entry } = await system.provenEntry(stale.data.evidence);
      expect(entry.kind).toBe("tick");
      await onChain(stale);
    }
    for (const device of devices) {
      const back = await step(device, "stale", "healthy", "none", 40_000);
      await onChain(back);
    }
    const { reports } = walkLog(readEntries(database));
    for (const device of devices) {
      const gaps = reports.get(device)!.filter(({ report }) => report.kind === "gap");
      expect(gaps).toHaveLength(1);
      expect(gaps[0]!.report).toMatchObject({ body: { reason: "restart", dropped: null } });
      const { from_ms, to_ms } = (gaps[0]!.report as Extract<Report, { kind: "gap" }>).body;
      // The scenario's silence is 30 s long.
      expect(to_ms - from_ms).toBeGreaterThan(29_000);
    }
  });

  it("has told of nothing else", () => {
    const told = up.events
      .map(({ event }) => event)
      .filter(({ type }) => type === healthEventType) as HealthEvent[];
    const count = (current: string): number => told.filter(({ data }) => data.current === current).length;
    expect({
      lost: count("lost"),
      impaired: count("impaired"),
      watch: count("watch"),
      stale: count("stale"),
    }).toEqual({
      lost: 1,
      impaired: 1,
      watch: 5,
      stale: 8,
    });
    expect(up.events.filter(({ event }) => event.type !== healthEventType)).toEqual([]);
  });

  it("signs every event, numbers them without a step back, and gives keepers and streams the same", async () => {
    const { registry_spki } = await system.json<{ registry_spki: string }>("/v1/keys");
    const key = publicKeyFromSpki(Buffer.from(registry_spki, "base64"));
    const feed = await system.events();
    const sequences = new Map<string, string>();
    for (const { event, envelope, device } of feed) {
      expect(openEnvelope(Buffer.from(envelope), payloadTypes.event, key)).toEqual(event);
      expect(event).toMatchObject({ specversion: "1.0", data: { device, simulated: true } });
      expect(event.sequence).toMatch(/^[0-9]{20}$/);
      expect(event.sequence > (sequences.get(device) ?? "")).toBe(true);
      sequences.set(device, event.sequence);
    }
    expect(sequences.size).toBe(16);
    expect(new Set(feed.map(({ event }) => event.id)).size).toBe(feed.length);
    expect(up.events.map(({ event }) => event)).toEqual(feed.map(({ event }) => event));

    const opened = (envelope: Buffer): CaliberEvent =>
      openEnvelope(envelope, payloadTypes.event, key) as CaliberEvent;
    await until("all events on the stream", 5000, () => stream.items.length >= feed.length);
    expect(stream.items.map(({ id }) => id)).toEqual(feed.map(({ id }) => id));
    expect(stream.items.map(({ envelope }) => opened(Buffer.from(envelope)))).toEqual(
      feed.map(({ event }) => event),
    );

    // The keeper came a moment after the first reports: from its first event on it must have every one, in order.
    const kept = keeper.received.map(({ topic, envelope }) => {
      const event = opened(envelope);
      expect(topic).toBe(eventTopic(event.data.device));
      return event;
    });
    const from = feed.findIndex(({ event }) => event.id === kept[0]!.id);
    expect(kept).toEqual(feed.slice(from).map(({ event }) => event));
    // All of the scenario: 15 steps away from healthy and 15 back.
    expect(kept.length).toBeGreaterThanOrEqual(30);
    expect([...readLogs(data_dir)]).toEqual([]);
  });

  it("ends within 3 s at Ctrl-C, with 0 and without orphans", async () => {
    await chain.stop();
    await keeper.stop();
    stream.stop();
    up.signal("SIGINT");
    const { code, after_ms } = await up.ended(10_000);
    figures.stop_s = after_ms / 1000;
    expect(up.notes.filter((note) => /killed/.test(note))).toEqual([]);
    expect({ code, errors: up.errors() }).toEqual({ code: 0, errors: "" });
    expect(after_ms).toBeLessThan(3000);
    expect(processesOf(data_dir)).toEqual([]);
  });
});

/** Lines of the parts' logs that tell of a fault. */
function readLogs(dir: string): Set<string> {
  const lines = ["registry", "sim-a", "sim-b"].flatMap((name) =>
    readFileSync(join(dir, "logs", `${name}.log`), "utf8").split("\n"),
  );
  return new Set(lines.filter((line) => /"level":(50|60)/.test(line)));
}

describe("the second start on the same data", () => {
  const down_ms = 4000;
  let stopped_ms: number;
  let before: ReturnType<typeof walkLog>;

  beforeAll(async () => {
    stopped_ms = Date.now();
    before = walkLog(readEntries(database));
    await sleep(down_ms);
    up = startUp([...args, "--duration", "16s"]);
  });

  it("is alone on its data directory", async () => {
    await up.untilDevices("the registry", 25_000, ({ devices }) => devices.length === 16);
    const { code, err } = await runCaliber(["up", ...args]);
    expect({ code, err: err.split("\n")[0] }).toEqual({
      code: 64,
      err: `caliber: another caliber up runs on ${data_dir} (UP_RUNNING)`,
    });
  });

  it("goes on with the same devices and tokens, and mints none again", async () => {
    const { devices } = await up.untilDevices("all to report again", 20_000, ({ devices }) =>
      devices.every(
        ({ derived }) => derived.last_verified_ms! > up.started_ms && derived.state === "healthy",
      ),
    );
    const name = ({ device, token }: DeviceView) => ({ device, token });
    expect(devices.map(name)).toEqual(first.map(name));
    system = openSystem(data_dir);
    expect(await system.totals()).toEqual({ minted: 16, supply: 16 });
    expect((await system.events()).map(({ event }) => event.id)).toHaveLength(
      new Set((await system.events()).map(({ event }) => event.id)).size,
    );
  });

  it("credits no uptime for the time it was down, and gives a signed account of it", async () => {
    // Tables are stored a moment after the fold has moved.
    const { devices } = await up.untilDevices("an account of the time", 10_000, ({ devices }) =>
      devices.every(({ derived }) => derived.usage["24h"].gap_ms > 0),
    );
    for (const { derived } of devices) {
      const { wall_ms, proven_ms, gap_ms, late_ms, absent_ms, paused_ms, unexplained_ms } =
        derived.usage["24h"];
      expect(gap_ms).toBeGreaterThanOrEqual(down_ms);
      expect(proven_ms).toBeLessThanOrEqual(wall_ms - down_ms);
      expect(proven_ms + gap_ms + late_ms + absent_ms + paused_ms + unexplained_ms).toBe(wall_ms);
    }
  });

  it("ends by itself after its duration, with 0 and without orphans", async () => {
    const { code } = await up.ended(30_000);
    const took_ms = Date.now() - up.started_ms;
    expect({ code, errors: up.errors() }).toEqual({ code: 0, errors: "" });
    expect(took_ms).toBeGreaterThan(15_000);
    expect(took_ms).toBeLessThan(20_000);
    expect(processesOf(data_dir)).toEqual([]);
  });

  it("has left unbroken chains, each with one gap over the time it was down", () => {
    const { reports, minted } = walkLog(readEntries(database));
    expect(reports.size).toBe(16);
    expect(minted).toHaveLength(16);
    for (const [device, chain] of reports) {
      const old = before.reports.get(device)!;
      expect(chain.slice(0, old.length)).toEqual(old);
      const [next] = chain.slice(old.length);
      expect(next!.report.kind).toBe("gap");
      const { from_ms, to_ms } = (next!.report as Extract<Report, { kind: "gap" }>).body;
      expect(from_ms).toBe(old.at(-1)!.report.window.end_ms);
      expect(from_ms).toBeLessThanOrEqual(stopped_ms);
      expect(to_ms).toBeGreaterThanOrEqual(up.started_ms);
      expect(chain.slice(old.length + 1).filter(({ report }) => report.kind === "gap")).toEqual([]);
      expect(chain.length).toBeGreaterThan(old.length + 2);
    }
  });
});

describe("ends of other kinds", () => {
  const untilAllReport = () =>
    up.untilDevices("all to report again", 30_000, ({ devices }) =>
      devices.every(({ derived }) => derived.last_verified_ms! > up.started_ms),
    );

  it("leaves no orphans when the supervisor is killed", async () => {
    up = startUp(args);
    await up.untilDevices("the devices", 25_000, isTitled);
    expect(processesOf(data_dir).length).toBeGreaterThanOrEqual(5);
    up.signal("SIGKILL");
    await up.ended(5000);
    const killed = performance.now();
    await until("no process of the killed start", 5000, () => processesOf(data_dir).length === 0);
    figures.orphans_gone_s = (performance.now() - killed) / 1000;
  });

  it("starts after that, on other ports with its hosts when a stranger has taken one", async () => {
    const { mqtt } = JSON.parse(readFileSync(join(data_dir, "ports.json"), "utf8")) as { mqtt: number };
    const stranger = createServer().listen(mqtt, "127.0.0.1");
    try {
      up = startUp(args);
      await untilAllReport();
      expect(await openSystem(data_dir).totals()).toEqual({ minted: 16, supply: 16 });
    } finally {
      stranger.close();
    }
  });

  it("starts again at once after a kill, on the same ports", async () => {
    const ports = readFileSync(join(data_dir, "ports.json"), "utf8");
    up.signal("SIGKILL");
    await up.ended(5000);
    up = startUp(args);
    await untilAllReport();
    expect(readFileSync(join(data_dir, "ports.json"), "utf8")).toBe(ports);
    up.signal("SIGTERM");
    expect(await up.ended(10_000)).toMatchObject({ code: 0 });
    expect(processesOf(data_dir)).toEqual([]);
  });

  it.each([200, 900, 2000])("ends within 3 s when it is asked to %i ms after the start", async (after_ms) => {
    up = startUp(args);
    await sleep(after_ms);
    up.signal("SIGINT");
    const end = await up.ended(10_000);
    // Before its handlers stand, the signal ends it as it ends any process; nothing has been started then.
    if (end.signal !== "SIGINT")
      expect({ code: end.code, errors: up.errors() }).toEqual({ code: 0, errors: "" });
    expect(end.after_ms).toBeLessThan(3000);
    await until("no process left", 1000, () => processesOf(data_dir).length === 0);
  });

  it("leaves tables that a rebuild from the log alone makes again, byte by byte", async () => {
    const { code, out } = await runCaliber([
      "registry",
      "rebuild",
      "--check",
      "--data-dir",
      join(data_dir, "registry"),
    ]);
    expect({ code, said: out.trim().split("\n").at(-1) }).toEqual({
      code: 0,
      said: "every table is as it was",
    });
    const { minted } = walkLog(readEntries(database));
    expect(minted).toHaveLength(16);
  });
});

describe("what cannot be", () => {
  const dir = join(data_dir, "other");
  const bad = (name: string, text: string): string => {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const host = { name: "h", gpus: 2, model: "H200" };

  it.each<[string, string[], RegExp]>([
    ["an unknown flag", ["--simulat"], /Unknown option '--simulat'/],
    ["a word too many", ["now"], /positional/],
    ["a duration without a unit", ["--duration", "60"], /--duration is a duration such as/],
    ["a duration of nothing", ["--duration", "0s"], /--duration is .* at least 1s/],
    ["a window that is too short", ["--window", "10ms"], /--window is .* at least 1s/],
    ["a port that is none", ["--api-port", "70000"], /--api-port is a whole number from 0 to 65535/],
    ["one port for two", ["--api-port", "39123", "--rpc-port", "39123"], /39123 is taken/],
    ["no scenario file", ["--scenario", "/nowhere.json"], /cannot read scenario \/nowhere.json/],
    ["a scenario that is not JSON", ["--scenario", bad("a.json", "{")], /cannot read scenario/],
    [
      "a scenario with a model that is none",
      ["--scenario", bad("b.json", JSON.stringify({ name: "b", hosts: [{ ...host, model: "H9000" }] }))],
      /scenario: \/hosts\/0\/model must be one of/,
    ],
    [
      "a scenario with an action that is none",
      [
        "--scenario",
        bad(
          "c.json",
          JSON.stringify({ name: "c", hosts: [host], events: [{ at_s: 1, host: "h", do: "melt" }] }),
        ),
      ],
      /scenario: \/events\/0\/do must be one of/,
    ],
  ])("is refused in one clear line: %s", async (_, flags, line) => {
    const { code, out, err } = await runCaliber(["up", "--simulate", "--data-dir", dir, ...flags]);
    expect(code).toBe(64);
    expect(out).toBe("");
    expect(err.split("\n")[0]).toMatch(line);
    expect(err).not.toMatch(/^\s+at /m);
    expect(processesOf(dir)).toEqual([]);
  });

  it("starts a new chain when the power cut tore the old one's file", async () => {
    appendFileSync(join(data_dir, "chain", "anvil-state.json"), "{");
    up = startUp(args);
    await up.untilDevices("new tokens", 40_000, isTitled);
    await until(
      "sixteen tokens on the new chain",
      20_000,
      async () => (await openSystem(data_dir).totals()).supply === 16,
    );
    up.signal("SIGINT");
    expect(await up.ended(10_000)).toMatchObject({ code: 0 });
    expect(processesOf(data_dir)).toEqual([]);
  });
});
