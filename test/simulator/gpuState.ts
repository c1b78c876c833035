import { createHash } from "node:crypto";
import { type GpuModel, models } from "./models.js";
import type { Scenario, ScenarioAction, ScenarioEvent, ScenarioHost } from "./scenario.js";

/** Which simulated machine this is, and when its scenario began. */
export type SimHost = { scenario: Scenario; host: ScenarioHost; seed: string; epoch_ms: number };

/** One GPU at one instant, in the units that nvidia-smi prints. */
export type GpuState = {
  index: number;
  model: GpuModel;
  uuid: string;
  serial: string;
  pdi: string;
  busId: string;
  moduleId: number;
  /** As printed: null prints N/A. */
  place: { chassis: string | null; slot: number | null; tray: number | null };
  fabric: { state: string; status: string; clique: number; cluster: string } | null;
  lost: "leaves" | "handle" | null;
  mig: boolean;
  util: number;
  memUtil: number;
  fbUsedMib: number;
  powerW: number;
  tempC: number;
  memTempC: number;
  smClockMhz: number;
  memClockMhz: number;
  replays: number;
  eccVolatile: number;
  eccAggregate: number;
  remapped: number;
  remapPending: boolean;
  recovery: string;
  processes: { pid: number; name: string; usedMib: number }[];
};

const busNumbers = [0x18, 0x2a, 0x3a, 0x5d, 0x84, 0x8b, 0x91, 0xe4] as const;
const slots = [7, 5, 3, 1, 8, 6, 4, 2] as const;

/** True when the action is on for this GPU (or, with null, for the host as a whole) at `t_s`. */
export function isOn(sim: SimHost, action: ScenarioAction, gpu: number | null, t_s: number): boolean {
  return eventsOf(sim, action, gpu).some(({ at_s, until_s }) => t_s >= at_s && t_s < (until_s ?? Infinity));
}

function eventsOf(sim: SimHost, action: ScenarioAction, gpu: number | null): ScenarioEvent[] {
  return sim.scenario.events.filter(
    (event) =>
      event.host === sim.host.name &&
      event.do === action &&
      (gpu === null || event.gpus === null || event.gpus.includes(gpu)),
  );
}

/**
 * The state of every GPU that stands on the host's bus at wall time `now_ms`, in the bus's order, which is NVML's: a
 * function of its arguments alone.
 */
export function gpuStates(sim: SimHost, now_ms: number): GpuState[] {
  const t_s = (now_ms - sim.epoch_ms) / 1000;
  return Array.from({ length: sim.host.gpus }, (_, slot) => slot)
    .filter((slot) => !isOn(sim, "vanish", slot, t_s))
    .map((slot) => gpuState(sim, slot, t_s))
    .sort((a, b) => (a.busId < b.busId ? -1 : 1))
    .map((state, index) => ({ ...state, index }));
}

/** When the driver was loaded last, in the scenario's seconds. */
function loadedAt(sim: SimHost, t_s: number): number {
  const ends = eventsOf(sim, "driver_missing", null).map(({ until_s }) => until_s ?? Infinity);
  return Math.max(Number.NEGATIVE_INFINITY, ...ends.filter((end) => end <= t_s));
}

/** A machine whose slots were numbered anew counts from the other end, one bus further on. */
function busIdOf(sim: SimHost, index: number, t_s: number): string {
  const renumbered = isOn(sim, "renumber", null, t_s);
  const at = renumbered ? sim.host.gpus - 1 - index : index;
  const bus = (busNumbers[at] ?? 0xe5 + at) + (renumbered ? 1 : 0);
  return `00000000:${bus.toString(16).toUpperCase().padStart(2, "0")}:00.0`;
}

const noPlace = { chassis: null, slot: null, tray: null };
function placeOf(sim: SimHost, model: GpuModel): GpuState["place"] {
  if (model.platform === "module") return noPlace;
  if (model.platform === "unnamed") return { ...noPlace, chassis: "" };
  const digest = createHash("sha256").update(`${sim.seed}/rack`).digest();
  const machine = createHash("sha256").update(`${sim.seed}/${sim.host.name}`).digest();
  const chassis = `182${(digest.readUInt32LE(0) % 1e10).toString().padStart(10, "0")}`;
  return { chassis, slot: 1 + (machine[0]! % 18), tray: machine[0]! % 18 };
}

function fabricOf(sim: SimHost, model: GpuModel): GpuState["fabric"] {
  if (model.fabric === "none") return null;
  const up = { state: "Completed", status: "Success" };
  if (model.fabric === "machine") return { ...up, clique: 0, cluster: dashed("0".repeat(32)) };
  const hex = createHash("sha256").update(`${sim.seed}/rack/fabric`).digest("hex");
  return { ...up, clique: 2, cluster: dashed(hex) };
}

const dashed = (hex: string) =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;

function gpuState(sim: SimHost, index: number, t_s: number): GpuState {
  const model = models[sim.host.model]!;
  const digest = createHash("sha256").update(`${sim.seed}/${sim.host.name}/${index}`).digest();
  const hex = digest.toString("hex");
  const chance = (salt: number, step: number) => noise(digest.readUInt32LE(0), salt, step);
  const idleAt = (at_s: number) => isOn(sim, "idle", index, at_s) || isOn(sim, "dress_up", index, at_s);
  const utilAt = (at_s: number) => (idleAt(at_s) ? 0 : loadAt(chance, at_s));
  const util = utilAt(t_s);
  const busy = util > 0;
  // Temperature and power follow the load with a lag.
  const recent = [0, 4, 8, 12, 16, 20].map((ago) => utilAt(t_s - ago));
  const heat = recent.reduce((sum, value) => sum + value, 0) / (100 * recent.length);
  const second = Math.floor(t_s);
  const span = model.powerLimitW - model.idlePowerW;
  const draw = busy ? model.idlePowerW + span * (0.22 + 0.7 * (util / 100)) : model.idlePowerW;
  const fbUsedMib = busy ? Math.round(model.fbTotalMib * (0.83 + 0.09 * chance(3, 0))) : 4;
  const tempC = Math.round(29 + 3 * chance(4, 0) + 33 * heat + chance(5, second));
  const ecc = eventsOf(sim, "ecc_uncorrectable", index).filter(({ at_s }) => t_s >= at_s);
  const active = ecc.filter(({ until_s }) => t_s < (until_s ?? Infinity));
  const errorsOf = (events: ScenarioEvent[]) => events.reduce((sum, { errors }) => sum + errors, 0);
  const lose = eventsOf(sim, "lose", index).find(
    ({ at_s, until_s }) => t_s >= at_s && t_s < (until_s ?? Infinity),
  );
  const loaded_s = loadedAt(sim, t_s);
  const first = index - (index % model.gpusPerBoard);
  const board =
    first === index ? digest : createHash("sha256").update(`${sim.seed}/${sim.host.name}/${first}`).digest();
  return {
    index,
    model,
    uuid: `GPU-${dashed(hex)}`,
    serial: `165${(board.readUInt32LE(20) % 1e10).toString().padStart(10, "0")}`,
    pdi: `0x${hex.slice(40, 56)}`,
    busId: busIdOf(sim, index, t_s),
    moduleId: slots[index] ?? index + 1,
    place: placeOf(sim, model),
    fabric: fabricOf(sim, model),
    lost: lose?.as ?? null,
    mig: isOn(sim, "mig", index, t_s),
    // Dressed up, the one figure lies and all others tell the truth.
    util: isOn(sim, "dress_up", index, t_s) ? loadAt(chance, t_s) : util,
    memUtil: Math.round(util * (0.35 + 0.2 * chance(6, Math.floor(t_s / 5)))),
    fbUsedMib,
    powerW: Math.min(model.powerLimitW, draw + (busy ? 24 : 2) * (chance(7, second) - 0.5)),
    tempC,
    memTempC: tempC + Math.round(6 + 4 * heat),
    smClockMhz: busy ? model.smClockMhz - 15 * Math.floor(4 * chance(8, second)) : model.idleClockMhz,
    memClockMhz: model.memClockMhz,
    // Both count from the driver's last load.
    replays: loaded_s > 0 ? 0 : Math.floor(12 * chance(9, 0)),
    eccVolatile: errorsOf(active.filter(({ at_s }) => at_s >= loaded_s)),
    eccAggregate: errorsOf(ecc),
    // The row is remapped by the reset that ends the event.
    remapped: ecc.length - active.length,
    remapPending: active.length > 0,
    recovery: active.length > 0 ? "Drain and Reset" : "None",
    processes: busy
      ? [{ pid: 20_000 + (digest.readUInt16LE(8) % 10_000), name: "python3", usedMib: fbUsedMib - 4 }]
      : [],
  };
}

/** Busy around 85 to 98 %, with a short dip (a checkpoint, a data stall) every 20 to 40 s. */
function loadAt(chance: (salt: number, step: number) => number, t_s: number): number {
  const period = 20 + Math.floor(20 * chance(1, 0));
  const lap = Math.floor(t_s / period);
  const into = t_s - lap * period;
  if (into < 2 + 2 * chance(2, lap)) return Math.round(38 + 30 * chance(10, Math.floor(t_s)));
  const knot = Math.floor(t_s / 6);
  const part = t_s / 6 - knot;
  const smooth = chance(11, knot) * (1 - part) + chance(11, knot + 1) * part;
  return Math.round(86 + 10 * smooth + 2 * chance(12, Math.floor(t_s)));
}

/** [0, 1) from three integers, the same everywhere (a 32-bit mix, not for secrets). */
function noise(a: number, b: number, c: number): number {
  let x = (a ^ Math.imul(b + 1, 0x9e3779b1) ^ Math.imul(c + 0x7f4a7c15, 0x85ebca6b)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
