import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { parseXml } from "../../agent/sources/nvidiaSmi/parseXml.js";
import { reportSchemas } from "../../protocol/report/schema.js";
import { buildSimulator } from "./buildSimulator.js";
import { type GpuState, gpuStates, type SimHost } from "./gpuState.js";
import { models } from "./models.js";
import { loadScenario, parseScenario } from "./scenario.js";
import { simulatorEnv } from "./simulatorEnv.js";
import { xmlLog } from "./xml.js";

const fixtures = fileURLToPath(new URL("../../fixtures/scenarios", import.meta.url));
const scenario = loadScenario(`${fixtures}/default.json`);
const hostNamed = (name: string, seed = "seed"): SimHost => ({
  scenario,
  host: scenario.hosts.find((host) => host.name === name)!,
  seed,
  epoch_ms: 1_000_000,
});
const at = (host: string, t_s: number, seed?: string): GpuState[] =>
  gpuStates(hostNamed(host, seed), 1_000_000 + t_s * 1000);

let simulator: string;
beforeAll(() => {
  simulator = buildSimulator();
}, 60_000);
const env = (change: Record<string, string> = {}) => ({
  PATH: process.env.PATH ?? "",
  ...simulatorEnv({ scenario: `${fixtures}/steady.json`, host: "sim-a", epoch_ms: Date.now(), seed: "seed" }),
  ...change,
});
const run = (args: string[], change?: Record<string, string>) => {
  const { status, stdout, stderr } = spawnSync(simulator, args, { env: env(change), encoding: "utf8" });
  return { status, stdout, stderr };
};

describe("the default scenario", () => {
  it("is a function of its inputs alone", () => {
    expect(at("sim-a", 47.3)).toEqual(at("sim-a", 47.3));
    expect(at("sim-a", 47.3)).not.toEqual(at("sim-a", 48.3));
  });

  it("gives every installation its own GPUs, all different", () => {
    const all = ["a", "b"].flatMap((seed) => ["sim-a", "sim-b"].flatMap((host) => at(host, 0, seed)));
    for (const key of ["uuid", "serial", "pdi"] as const) {
      expect(new Set(all.map((gpu) => gpu[key])).size).toBe(32);
    }
    expect(all[0]!.uuid).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("tells the story that its events tell", () => {
    const lostAt = (t_s: number) => at("sim-a", t_s).map(({ lost }) => lost);
    expect(lostAt(39.9).every((lost) => lost === null)).toBe(true);
    expect(lostAt(40)).toEqual([null, null, null, null, null, "leaves", null, null]);
    expect(lostAt(80).every((lost) => lost === null)).toBe(true);
    const sick = (t_s: number) => {
      const { eccVolatile, eccAggregate, remapPending, remapped, recovery } = at("sim-a", t_s)[2]!;
      return { eccVolatile, eccAggregate, remapPending, remapped, recovery };
    };
    expect(sick(44)).toEqual({
      eccVolatile: 0,
      eccAggregate: 0,
      remapPending: false,
      remapped: 0,
      recovery: "None",
    });
    expect(sick(45)).toEqual({
      eccVolatile: 3,
      eccAggregate: 3,
      remapPending: true,
      remapped: 0,
      recovery: "Drain and Reset",
    });
    expect(sick(90)).toEqual({
      eccVolatile: 0,
      eccAggregate: 3,
      remapPending: false,
      remapped: 1,
      recovery: "None",
    });
    expect(at("sim-b", 60).map(({ util }) => util > 0)).toEqual([
      ...Array<boolean>(5).fill(false),
      ...Array<boolean>(3).fill(true),
    ]);
    // Silence is the supervisor's: the simulator goes on.
    expect(at("sim-b", 70).every(({ lost, powerW }) => lost === null && powerW > 0)).toBe(true);
  });

  it("is plausible: busy around 90 % with dips, power and heat in range and following the load", () => {
    for (const host of ["sim-a", "sim-b"]) {
      const hour = Array.from({ length: 1200 }, (_, step) => at(host, 200 + step * 3)).flat();
      const utils = hour.map(({ util }) => util);
      const mean = utils.reduce((sum, util) => sum + util, 0) / utils.length;
      expect(mean).toBeGreaterThan(82);
      expect(mean).toBeLessThan(95);
      expect(Math.min(...utils)).toBeLessThan(70);
      expect(Math.max(...utils)).toBeLessThanOrEqual(100);
      for (const gpu of hour) {
        expect(gpu.powerW).toBeLessThanOrEqual(gpu.model.powerLimitW);
        expect(gpu.tempC).toBeGreaterThan(35);
        expect(gpu.tempC).toBeLessThan(80);
        expect(gpu.fbUsedMib).toBeLessThan(gpu.model.fbTotalMib - 512);
      }
    }
    const idle = at("sim-b", 64)[0]!;
    expect(idle).toMatchObject({ util: 0, processes: [] });
    expect(idle.powerW).toBeLessThan(80);
    expect(idle.tempC).toBeLessThan(at("sim-b", 34)[0]!.tempC - 15);
  });
});

describe("XML", () => {
  const validate = new Ajv({ strict: false }).compile(reportSchemas.inventory.properties.body);

  const inMachine = { state: "completed", status: "success", clique_id: 0, cluster_uuid: null };
  const fabrics: Record<string, object | null> = {
    "H100 80GB HBM3": inMachine,
    H200: inMachine,
    B200: inMachine,
    GB200: { ...inMachine, clique_id: 2, cluster_uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/) },
    "A100-SXM4-80GB": null,
  };

  it.each(Object.keys(models))("%s reads back as the state that it was made from", (model) => {
    const plain = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 8, model }] });
    const sim: SimHost = { scenario: plain, host: plain.hosts[0]!, seed: "s", epoch_ms: 0 };
    const states = gpuStates(sim, 60_000);
    const readings = parseXml(xmlLog(states, 60_000, 8));
    expect(readings).toHaveLength(8);
    readings.forEach((reading, index) => {
      const state = states[index]!;
      expect(reading).toMatchObject({
        uuid: state.uuid,
        presence: "present",
        inventory: { name: `NVIDIA ${model}`, serial: state.serial, module_id: state.moduleId },
        fast: {
          util_permille: state.util * 10,
          power_mw: Math.round(Number(state.powerW.toFixed(2)) * 1000),
          temp_mc: state.tempC * 1000,
          fb_used_mib: state.fbUsedMib,
          sm_clock_mhz: state.smClockMhz,
        },
        health: {
          pcie_replays: state.replays,
          processes: 1,
          recovery_action: "none",
          sram_threshold_exceeded: false,
          fabric: fabrics[model],
        },
      });
      expect(reading.inventory).toMatchObject({
        chassis_serial: model === "GB200" ? state.place.chassis : null,
        chassis_slot: state.place.slot,
        tray_index: state.place.tray,
        sm_clock_max_mhz: state.model.smClockMhz,
      });
      expect(reading.inventory.pdi).toBe(model.startsWith("A100") ? null : state.pdi);
      expect(validate({ ...reading.inventory, uuid: reading.uuid }), JSON.stringify(validate.errors)).toBe(
        true,
      );
    });
  });

  it("GB200: two GPUs of a board share its serial, all share the chassis", () => {
    const rack = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 4, model: "GB200" }] });
    const states = gpuStates({ scenario: rack, host: rack.hosts[0]!, seed: "s", epoch_ms: 0 }, 0);
    const gpus = parseXml(xmlLog(states, 0, 4));
    const of = (key: "serial" | "chassis_serial" | "chassis_slot") => gpus.map((gpu) => gpu.inventory[key]);
    const [a, , b] = of("serial");
    expect(of("serial")).toEqual([a, a, b, b]);
    expect(a).not.toBe(b);
    expect(new Set(of("chassis_serial")).size).toBe(1);
    expect(of("chassis_slot")[0]).toBeGreaterThan(0);
    expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(4);
  });

  it("a GPU that vanishes makes the indices close up; slots numbered anew turn the order round", () => {
    const events = [
      { at_s: 10, until_s: 20, host: "h", gpu: 1, do: "vanish" },
      { at_s: 20, host: "h", do: "renumber" },
    ];
    const moving = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 16, model: "H200" }], events });
    const at_s = (t_s: number) =>
      gpuStates({ scenario: moving, host: moving.hosts[0]!, seed: "s", epoch_ms: 0 }, t_s * 1000);
    const before = at_s(0);
    expect(before.map(({ index }) => index)).toEqual(Array.from({ length: 16 }, (_, index) => index));
    expect(new Set(before.map(({ busId }) => busId)).size).toBe(16);
    expect(at_s(10).map(({ uuid }) => uuid)).toEqual(
      before.filter((_, i) => i !== 1).map(({ uuid }) => uuid),
    );
    expect(at_s(10)[1]).toMatchObject({ index: 1, uuid: before[2]!.uuid });
    const after = at_s(20);
    expect(after.map(({ uuid }) => uuid)).toEqual(before.map(({ uuid }) => uuid).reverse());
    expect(after[15]).toMatchObject({ index: 15, serial: before[0]!.serial, moduleId: before[0]!.moduleId });
    const old = new Map(before.map(({ uuid, busId }) => [uuid, busId]));
    expect(after.every(({ uuid, busId }) => old.get(uuid) !== busId)).toBe(true);
  });

  it("a driver loaded anew counts from 0; what is kept in the infoROM stays", () => {
    const events = [
      { at_s: 1, host: "h", gpu: 0, do: "ecc_uncorrectable" },
      { at_s: 10, until_s: 15, host: "h", do: "driver_missing" },
      { at_s: 20, host: "h", gpu: 0, do: "ecc_uncorrectable", errors: 2 },
    ];
    const story = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 1, model: "H200" }], events });
    const counters = (t_s: number) => {
      const { eccVolatile, eccAggregate, replays } = gpuStates(
        { scenario: story, host: story.hosts[0]!, seed: "s", epoch_ms: 0 },
        t_s * 1000,
      )[0]!;
      return { eccVolatile, eccAggregate, replays };
    };
    const { replays } = counters(0);
    expect(replays).toBeGreaterThan(0);
    expect(counters(5)).toEqual({ eccVolatile: 3, eccAggregate: 3, replays });
    expect(counters(15)).toEqual({ eccVolatile: 0, eccAggregate: 3, replays: 0 });
    expect(counters(20)).toEqual({ eccVolatile: 2, eccAggregate: 5, replays: 0 });
  });

  it("a lost GPU keeps its identity", () => {
    const readings = parseXml(xmlLog(at("sim-a", 50), 0, 8));
    expect(readings[5]).toMatchObject({ uuid: at("sim-a", 0)[5]!.uuid, presence: "lost" });
    expect(readings.filter(({ presence }) => presence === "present")).toHaveLength(7);
  });
});

describe("the program", () => {
  it("-L", () => {
    const { status, stdout } = run(["-L"]);
    expect(status).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(8);
    expect(stdout).toMatch(/^GPU 0: NVIDIA H100 80GB HBM3 \(UUID: GPU-[0-9a-f-]{36}\)\n/);
  });

  it("CSV with and without header and units", () => {
    const query = "--query-gpu=index,name,power.limit,fan.speed";
    const tail = "0, NVIDIA H100 80GB HBM3, 700.00";
    expect(run([query, "--format=csv", "-i", "0"]).stdout).toBe(
      `index, name, power.limit [W], fan.speed [%]\n${tail} W, [N/A]\n`,
    );
    expect(run([query, "--format=csv,noheader,nounits", "-i", "0"]).stdout).toBe(`${tail}, [N/A]\n`);
  });

  it.each([
    [["--query-gpu=uuid,no.such", "--format=csv"], 2, 'Field "no.such" is not a valid field to query.'],
    [["--query-gpu=uuid"], 2, "--format=csv"],
    [["--no-such-option"], 2, "not recognized"],
    [["-L", "-i", "9"], 6, "No devices were found"],
  ])("%j exits with %d", (args, code, message) => {
    const { status, stdout } = run(args);
    expect(status).toBe(code);
    expect(stdout).toContain(message);
  });

  it("says what is wrong with its configuration", () => {
    for (const change of [
      { CALIBER_SIM_SCENARIO: "/none.json" },
      { CALIBER_SIM_SEED: "" },
      { CALIBER_SIM_EPOCH_MS: "soon" },
      { CALIBER_SIM_HOST: "other" },
    ]) {
      const { status, stdout, stderr } = run(["-L"], change);
      expect({ status, stdout }).toEqual({ status: 255, stdout: "" });
      expect(stderr).toMatch(/CALIBER_SIM_|scenario/);
    }
  });

  it("ends when its reader has gone", () => {
    const loop = `${simulator} --query-gpu=index --format=csv,noheader -lms 50`;
    // Were the pipe's end not noticed, this would run into the timeout.
    const out = execFileSync("sh", ["-c", `${loop} | head -n 1`], { env: env(), timeout: 5000 });
    expect(out.toString()).toBe("0\n");
  });

  it("ends with its parent also while it hangs", async () => {
    const hung = join(mkdtempSync(join(tmpdir(), "caliber-hang-")), "hang.json");
    const hosts = [{ name: "sim-a", gpus: 1, model: "H200" }];
    writeFileSync(
      hung,
      JSON.stringify({ name: "t", hosts, events: [{ at_s: 0, host: "sim-a", do: "hang" }] }),
    );
    const parent = spawn("sh", ["-c", `${simulator} --query-gpu=index --format=csv -l 1 & echo $!; wait`], {
      env: env({ CALIBER_SIM_SCENARIO: hung }),
    });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once("data", (text) => resolve(Number(text))),
    );
    // Long enough to have started and be hanging.
    await new Promise((resolve) => setTimeout(resolve, 500));
    parent.kill("SIGKILL");
    parent.stdout.destroy();
    let alive = true;
    for (let tries = 0; alive && tries < 60; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      try {
        process.kill(pid, 0);
      } catch {
        alive = false;
      }
    }
    expect(alive).toBe(false);
  });
});

describe("scenario files", () => {
  const whole = () => ({
    name: "t",
    hosts: [{ name: "h", gpus: 2, model: "H200" }],
    events: [{ at_s: 1, host: "h", do: "lose" }] as Record<string, unknown>[],
  });

  it("all that are shipped are valid, and named after their file", () => {
    const files = readdirSync(fixtures).filter((name) => name.endsWith(".json"));
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) expect(`${loadScenario(`${fixtures}/${file}`).name}.json`).toBe(file);
  });

  it("the documented actions are those that exist", () => {
    const readme = readFileSync(`${fixtures}/README.md`, "utf8");
    const listed = [...readme.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
    expect(listed.filter((name) => name !== "do")).toEqual([
      "lose",
      "vanish",
      "renumber",
      "ecc_uncorrectable",
      "idle",
      "dress_up",
      "mig",
      "hang",
      "driver_missing",
      "silence",
    ]);
  });

  it.each<[string, (json: ReturnType<typeof whole>) => unknown, string]>([
    ["no host", (json) => ({ ...json, hosts: [] }), "/hosts"],
    ["unknown key", (json) => ({ ...json, speed: 2 }), "/speed"],
    [
      "unknown model",
      (json) => ({ ...json, hosts: [{ name: "h", gpus: 2, model: "H300" }] }),
      "/hosts/0/model",
    ],
    [
      "model from Object",
      (json) => ({ ...json, hosts: [{ name: "h", gpus: 2, model: "toString" }] }),
      "/hosts/0/model",
    ],
    ["no GPU", (json) => ({ ...json, hosts: [{ name: "h", gpus: 0, model: "H200" }] }), "/hosts/0/gpus"],
    ["host twice", (json) => ({ ...json, hosts: [json.hosts[0], json.hosts[0]] }), "/hosts"],
    ["unknown host", (json) => ({ ...json, events: [{ at_s: 1, host: "x", do: "lose" }] }), "/events/0/host"],
    [
      "unknown action",
      (json) => ({ ...json, events: [{ at_s: 1, host: "h", do: "explode" }] }),
      "/events/0/do",
    ],
    ["unknown GPU", (json) => ({ ...json, events: [{ ...json.events[0], gpu: 2 }] }), "/events/0/gpus/0"],
    [
      "gpu and gpus",
      (json) => ({ ...json, events: [{ ...json.events[0], gpu: 1, gpus: [0] }] }),
      "/events/0",
    ],
    [
      "ends before",
      (json) => ({ ...json, events: [{ ...json.events[0], until_s: 1 }] }),
      "/events/0/until_s",
    ],
    ["no time", (json) => ({ ...json, events: [{ host: "h", do: "lose" }] }), "/events/0/at_s"],
    ["a list", () => [], "the file"],
  ])("%s", (_name, change, path) => {
    expect(() => parseScenario(whole())).not.toThrow();
    expect(() => parseScenario(change(whole()))).toThrow(
      expect.objectContaining({ code: "SCENARIO_INVALID", message: expect.stringContaining(path) }),
    );
  });

  it("a file that is not there", () => {
    expect(() => loadScenario("/none.json")).toThrow(
      expect.objectContaining({ code: "SCENARIO_UNREADABLE" }),
    );
  });
});
