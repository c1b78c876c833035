import { parseArgs } from "node:util";
import { CaliberError } from "../../../protocol/errors.js";
import { decideDispute } from "../../../registry/decideDispute.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry dispute decide --data-dir DIR --device ID --outcome cleared|upheld --by NAME --reason TEXT [--json]

Decides the dispute that a device is in, as an entry of the log with your name and reason. cleared ends it in the device's
favour: the GPU that it shows is then its own, and who held that identity before is disputed. upheld leaves it disputed.
A running registry carries it out at once.
`;

export const options = {
  "data-dir": { type: "string" },
  device: { type: "string" },
  outcome: { type: "string" },
  by: { type: "string" },
  reason: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

const longest = 200;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  if (positionals.join(" ") !== "decide") throw invalid("say what to do: dispute decide");
  const device = requiredOption("device", values.device);
  const outcome = requiredOption("outcome", values.outcome);
  if (outcome !== "cleared" && outcome !== "upheld") throw invalid("--outcome is cleared or upheld");
  const [by, reason] = [requiredOption("by", values.by), requiredOption("reason", values.reason)];
  if (by.length > longest || reason.length > longest) {
    throw invalid(`--by and --reason have ${longest} characters at most`);
  }
  await decideDispute({ data_dir, device, outcome, by, reason, now_ms: Date.now });
  io.out(
    values.json === true
      ? `${JSON.stringify({ device, outcome })}\n`
      : `the dispute of ${device} is ${outcome}\n`,
  );
  return exitCodes.ok;
}

function invalid(message: string): CaliberError {
  return new CaliberError("OPTION_INVALID", message, { disposition: "user" });
}
