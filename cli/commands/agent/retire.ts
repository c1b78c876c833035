import { parseArgs } from "node:util";
import { askAgent } from "../../../agent/control/askAgent.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber agent retire --data-dir DIR --gpu UUID --reason TEXT --yes [--json]

Takes one GPU out of service for good: its key signs that it is the last report, and is deleted. The registry shows the
GPU as retired, neither stale nor lost. To report again it has to be enrolled anew. The agent must be running.
`;

export const options = {
  "data-dir": { type: "string" },
  gpu: { type: "string" },
  reason: { type: "string" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: argv, options });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  const gpu = requiredOption("gpu", values.gpu);
  const reason = requiredOption("reason", values.reason);
  if (values.yes !== true) {
    throw new CaliberError("NOT_CONFIRMED", `this deletes the key of ${gpu} for ever; add --yes`, {
      disposition: "user",
    });
  }
  await askAgent(data_dir, { type: "retire", gpu, reason });
  io.out(values.json === true ? `${JSON.stringify({ gpu, retired: true })}\n` : `${gpu} is retired\n`);
  return exitCodes.ok;
}
