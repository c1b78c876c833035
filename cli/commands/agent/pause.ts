import { parseArgs } from "node:util";
import { askAgent } from "../../../agent/control/askAgent.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { durationOption, requiredOption } from "../../options.js";

const usage = `caliber agent pause --data-dir DIR --for 30m --reason TEXT [--in 5m] [--gpu UUID] [--json]

Announces work on this host, or on one GPU, to the registry: signed, before it begins. The registry caps it by its
policy. The agent must be running.
`;

export const options = {
  "data-dir": { type: "string" },
  for: { type: "string" },
  in: { type: "string" },
  reason: { type: "string" },
  gpu: { type: "string" },
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
  const from_ms = Date.now() + durationOption("in", values.in, 0);
  const until_ms = from_ms + durationOption("for", requiredOption("for", values.for), 0);
  const reason = requiredOption("reason", values.reason);
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  const gpu = values.gpu ?? null;
  const devices = await askAgent(data_dir, { type: "pause", gpu, from_ms, until_ms, reason });
  if (values.json === true) io.out(`${JSON.stringify({ devices, from_ms, until_ms, reason })}\n`);
  else {
    const [from, until] = [from_ms, until_ms].map((ms) => new Date(ms).toISOString());
    io.out(`a pause of ${devices} GPUs from ${from} to ${until} is announced\n`);
  }
  return exitCodes.ok;
}
