import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loadScenario } from "../../test/simulator/scenario.js";
import { exitCodes } from "../exitCodes.js";
import type { Io } from "../io.js";
import { durationOption, integerOption } from "../options.js";
import { untilStopped } from "../untilStopped.js";
import { createDisplay } from "./display.js";
import { paths } from "./paths.js";
import { Supervisor } from "./supervisor.js";

const usage = `caliber up [options]

Starts everything on this machine: MQTT broker and registry, a development chain with the contracts, and agents. With an
NVIDIA driver the agent reads this machine's GPUs; without one two simulated hosts of eight GPUs each are started.

  --data-dir DIR     where keys, log and chain are kept (.data/up)
  --scenario FILE    what the simulated hosts go through (fixtures/scenarios/default.json)
  --simulate         simulated hosts also where there are GPUs
  --duration 60s     end by itself
  --window 10s       reporting window
  --mqtt-port N, --enrol-port N, --api-port N, --rpc-port N   (any free port, kept over restarts)
  --json             JSON lines
`;

/** setTimeout takes no more. */
const longestTimer_ms = 2 ** 31 - 1;

export const options = {
  "data-dir": { type: "string" },
  scenario: { type: "string" },
  simulate: { type: "boolean" },
  duration: { type: "string" },
  window: { type: "string" },
  "mqtt-port": { type: "string" },
  "enrol-port": { type: "string" },
  "api-port": { type: "string" },
  "rpc-port": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options,
    // Undoes what the configuration says.
    allowNegative: true,
  });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const port = (name: "mqtt-port" | "enrol-port" | "api-port" | "rpc-port") =>
    integerOption(name, values[name], 0, 0, 65_535);
  const wanted = {
    mqtt: port("mqtt-port"),
    enrol: port("enrol-port"),
    api: port("api-port"),
    rpc: port("rpc-port"),
  };
  const duration_ms = durationOption("duration", values.duration, 0, {
    min_ms: 1000,
    max_ms: longestTimer_ms,
  });
  const window_ms = durationOption("window", values.window, 10_000, { min_ms: 1000, max_ms: 3_600_000 });
  const data_dir = resolve(values["data-dir"] ?? join(".data", "up"));
  const scenario_file = resolve(values.scenario ?? paths.scenario);
  const scenario = loadScenario(scenario_file);
  const mode = values.json === true ? "json" : process.stdout.isTTY ? "table" : "lines";
  const size = () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 });
  const display = createDisplay(io, mode, size);
  const asked = Promise.race([
    untilStopped(false),
    ...(duration_ms > 0 ? [sleep(duration_ms, "duration", { ref: false })] : []),
  ]);
  const supervisor = new Supervisor(display);
  try {
    const simulate = values.simulate === true;
    await supervisor.run({ data_dir, scenario, scenario_file, wanted, window_ms, simulate }, asked);
    return exitCodes.ok;
  } finally {
    await supervisor.stop();
  }
}
