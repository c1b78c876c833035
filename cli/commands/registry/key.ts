import { parseArgs } from "node:util";
import { rotateRegistryKey } from "../../../registry/keys/rotateRegistryKey.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { choiceOption, durationOption, requiredOption } from "../../options.js";

const day_ms = 86_400_000;
const usage = `caliber registry key rotate --data-dir DIR --key receipt|log [--overlap 30d] [--json]

Makes the next receipt or log key of a registry that is stopped; the present one signs it, and signs along for the overlap. Run
it again when it was cut short.
`;

export const options = {
  "data-dir": { type: "string" },
  key: { type: "string" },
  overlap: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options,
  });
  if (values.help === true || positionals.length !== 1 || positionals[0] !== "rotate") {
    io.out(usage);
    return values.help === true ? exitCodes.ok : exitCodes.usage;
  }
  const purpose = choiceOption("key", requiredOption("key", values.key), "receipt", [
    "receipt",
    "log",
  ] as const);
  const change = rotateRegistryKey({
    data_dir: requiredOption("data-dir", values["data-dir"]),
    purpose,
    // Until then a host that knows the old key alone hears of the next one when it connects.
    overlap_ms: durationOption("overlap", values.overlap, 30 * day_ms, {
      min_ms: day_ms,
      max_ms: 365 * day_ms,
    }),
    now_ms: Date.now,
  });
  io.out(
    values.json === true
      ? `${JSON.stringify(change)}\n`
      : `the ${purpose} key is ${change.to_spki}\nthe former one signs along until ${new Date(change.until_ms).toISOString()}\n`,
  );
  return exitCodes.ok;
}
