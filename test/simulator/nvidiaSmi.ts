import { CaliberError } from "../../protocol/errors.js";
import { parseArgs, type SimCall, type SimExit } from "./args.js";
import { csvHeader, csvRow } from "./csvFields.js";
import { type GpuState, gpuStates, isOn, type SimHost } from "./gpuState.js";
import { loadScenario } from "./scenario.js";
import { xmlLog } from "./xml.js";

/**
 * The program behind test/simulator/nvidia-smi: prints what nvidia-smi prints, from a scenario.
 *
 * CALIBER_SIM_SCENARIO  path of the scenario file
 * CALIBER_SIM_HOST      which of its hosts this machine is
 * CALIBER_SIM_EPOCH_MS  wall time of the scenario's second 0
 * CALIBER_SIM_SEED      makes this installation's UUIDs differ from another's
 */
export function nvidiaSmi(argv: readonly string[], env: NodeJS.ProcessEnv): void {
  // A reader that has gone ends this program, as SIGPIPE ends the real one.
  process.stdout.on("error", () => process.exit(141));
  const call = parseArgs(argv);
  if ("exit" in call) {
    leave(call.exit, call.message);
    return;
  }
  let sim: SimHost;
  try {
    sim = hostOf(env);
  } catch (error) {
    const { message, details } = error as CaliberError;
    process.stderr.write(`${message}${details === undefined ? "" : `: ${details}`}\n`);
    process.exitCode = 255;
    return;
  }
  const handles = createHandles();
  let header = call.what === "csv" && call.header;
  const turn = (): void => {
    const now_ms = Date.now();
    const t_s = (now_ms - sim.epoch_ms) / 1000;
    if (isOn(sim, "hang", null, t_s)) {
      waitForParent(() => !isOn(sim, "hang", null, (Date.now() - sim.epoch_ms) / 1000), turn);
      return;
    }
    const all = handles(gpuStates(sim, now_ms));
    const asked = select(all, call.ids);
    const end = endOf(isOn(sim, "driver_missing", null, t_s), asked);
    if (end !== null) {
      leave(end.exit, end.message);
      return;
    }
    const lines = linesOf(call, asked!, all.length, now_ms);
    process.stdout.write(header ? `${csvHeader(call.fields, call.units)}\n${lines}` : lines);
    header = false;
    if (call.loop_ms !== null) {
      // On the grid of the interval, so that a slow turn does not shift all later ones.
      setTimeout(turn, call.loop_ms - ((Date.now() - sim.epoch_ms) % call.loop_ms));
    }
  };
  turn();
}

/**
 * A process opens the GPUs that stand on the bus when it starts. One that leaves the bus later, or moves on it, is lost
 * to this process for good, and a new one it never sees.
 */
function createHandles(): (onBus: readonly GpuState[]) => GpuState[] {
  let opened: readonly GpuState[] | undefined;
  const dead = new Set<string>();
  return (onBus) => {
    opened ??= onBus;
    return opened.map((handle) => {
      const now = onBus.find(({ uuid, busId }) => uuid === handle.uuid && busId === handle.busId);
      if (now === undefined) dead.add(handle.uuid);
      return now === undefined || dead.has(handle.uuid)
        ? { ...handle, lost: "leaves" }
        : { ...now, index: handle.index };
    });
  };
}

/** Why this turn prints no reading, if so. */
function endOf(driverMissing: boolean, asked: readonly GpuState[] | null): SimExit | null {
  if (driverMissing) return { exit: 9, message: noDriver };
  if (asked === null || asked.length === 0) return { exit: 6, message: "No devices were found" };
  const gone = asked.find(({ lost }) => lost === "handle");
  if (gone === undefined) return null;
  const message = `Unable to determine the device handle for GPU${gone.busId.slice(4)}: GPU is lost`;
  return { exit: 15, message };
}

const noDriver =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n";

function leave(code: number, message: string): void {
  process.exitCode = code;
  process.stdout.write(`${message}\n`);
}

/** A hung program writes nothing and so never meets the broken pipe: it ends when its parent does. */
function waitForParent(over: () => boolean, then: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) process.exit(141);
    if (!over()) return;
    clearInterval(timer);
    then();
  }, 200);
}

function hostOf(env: NodeJS.ProcessEnv): SimHost {
  const path = env.CALIBER_SIM_SCENARIO;
  const seed = env.CALIBER_SIM_SEED;
  const epoch_ms = Number(env.CALIBER_SIM_EPOCH_MS);
  if (path === undefined || path === "") throw misconfigured("CALIBER_SIM_SCENARIO is not set");
  if (seed === undefined || seed === "") throw misconfigured("CALIBER_SIM_SEED is not set");
  if (env.CALIBER_SIM_EPOCH_MS === undefined || !Number.isSafeInteger(epoch_ms)) {
    throw misconfigured("CALIBER_SIM_EPOCH_MS is not a number of milliseconds");
  }
  const scenario = loadScenario(path);
  const host = scenario.hosts.find(({ name }) => name === env.CALIBER_SIM_HOST);
  if (host === undefined) throw misconfigured("CALIBER_SIM_HOST names no host of the scenario");
  return { scenario, host, seed, epoch_ms };
}

const misconfigured = (message: string) =>
  new CaliberError("SIMULATOR_MISCONFIGURED", message, { disposition: "user" });

function select(gpus: readonly GpuState[], ids: readonly string[] | null): GpuState[] | null {
  if (ids === null) return [...gpus];
  const found = ids.map((id) =>
    gpus.find(
      ({ index, uuid, busId }) =>
        id === String(index) || id === uuid || busId.toLowerCase().endsWith(id.toLowerCase()),
    ),
  );
  return found.includes(undefined) ? null : (found as GpuState[]);
}

function linesOf(call: SimCall, gpus: readonly GpuState[], count: number, now_ms: number): string {
  switch (call.what) {
    case "list":
      return gpus
        .map(({ index, model, uuid }) => `GPU ${index}: ${model.product} (UUID: ${uuid})\n`)
        .join("");
    case "xml":
      return xmlLog(gpus, now_ms, count);
    case "csv":
      return gpus.map((gpu) => `${csvRow(call.fields, call.units, gpu, { now_ms, count })}\n`).join("");
  }
}
