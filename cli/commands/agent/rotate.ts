import { parseArgs } from "node:util";
import { askAgent } from "../../../agent/control/askAgent.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber agent rotate --data-dir DIR [--gpu UUID] [--json]

Gives each GPU of this host, or one of them, a new signing key. The old key and the new one both sign the change, the
GPU's record goes on under the new one, and the old one never comes back. The agent must be running.
`;

export const options = {
  "data-dir": { type: "string" },
  gpu: { type: "string" },
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
  const devices = await askAgent(data_dir, { type: "rotate", gpu: values.gpu ?? null });
  if (values.json === true) io.out(`${JSON.stringify({ devices })}\n`);
  else io.out(`${devices} GPUs go on under a new key; caliber agent status names them\n`);
  return exitCodes.ok;
}
