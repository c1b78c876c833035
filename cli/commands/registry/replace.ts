import { parseArgs } from "node:util";
import { CaliberError } from "../../../protocol/errors.js";
import { openReplacementDesk, type ReplacementDesk } from "../../../registry/replacement/replacementDesk.js";
import type { ReplacementStatus } from "../../../registry/replacement/replacementStatus.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";
import { tokenOption } from "../../tokenOption.js";
import { replacementText } from "./replacementText.js";

const usage = `caliber registry replace order      --data-dir DIR --token N --device ID [--json]
caliber registry replace status     --data-dir DIR [--token N] [--json]
caliber registry replace typed-data --data-dir DIR --token N
caliber registry replace consent    --data-dir DIR --token N --signature 0x… [--json]
caliber registry replace cancel     --data-dir DIR --token N [--json]

Another GPU stands in behind a token: an RMA swap, or a key that was lost. Three agree to it: you, by this order; the new
GPU's operator, by starting its agent with --accept-replacement N; and the consenter, that is the token's controller or, where
it names none, its holder, by signing what \`typed-data\` prints (EIP-712, eth_signTypedData_v4). The registry's chain writer
asks the GPU and sends all of it to the contract.

  order       gives the order. The new GPU's host must be enrolled, and started with that option from the first
  status      says what each order waits for, and what to do next
  typed-data  prints what the consenter signs, as plain JSON and nothing else
  consent     takes the consenter's signature
  cancel      takes the order back, as long as the chain does not have it

All of it works beside the running registry; nothing is lost by a restart. The exit code is ${exitCodes.attention} when an order cannot go on
before somebody puts something right.
`;

export const options = {
  "data-dir": { type: "string" },
  token: { type: "string" },
  device: { type: "string" },
  signature: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Values = { token?: string; device?: string; signature?: string; json?: boolean };

export async function run(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const act = Object.hasOwn(acts, positionals.join(" "))
    ? acts[positionals[0] as keyof typeof acts]
    : undefined;
  if (act === undefined) throw invalid(`say what to do: replace ${Object.keys(acts).join("|")}`);
  const desk = openReplacementDesk(requiredOption("data-dir", values["data-dir"]), Date.now);
  try {
    return await act(desk, values, io);
  } finally {
    desk.close();
  }
}

const acts = {
  order(desk: ReplacementDesk, values: Values, io: Io) {
    const token_id = tokenOf(values);
    const device = requiredOption("device", values.device);
    if (!/^[0-9a-f]{64}$/.test(device)) throw invalid("--device is a device id, 64 hex digits in lower case");
    return show(desk.order(token_id, device), values, io);
  },
  status(desk: ReplacementDesk, values: Values, io: Io) {
    if (values.token !== undefined) return show(desk.status(tokenOf(values)), values, io);
    const all = desk.all();
    if (values.json === true) io.out(`${JSON.stringify(all)}\n`);
    else io.out(all.length === 0 ? "no replacement is ordered\n" : all.map(replacementText).join("\n"));
    return codeOf(all);
  },
  "typed-data"(desk: ReplacementDesk, values: Values, io: Io) {
    const { typed_data } = desk.status(tokenOf(values));
    if (typed_data === null) {
      throw new CaliberError(
        "CONSENT_EARLY",
        "the device has not signed yet: there is nothing to consent to",
        {
          disposition: "retryable",
        },
      );
    }
    io.out(`${JSON.stringify(typed_data)}\n`);
    return exitCodes.ok;
  },
  async consent(desk: ReplacementDesk, values: Values, io: Io) {
    const token_id = tokenOf(values);
    return show(await desk.consent(token_id, requiredOption("signature", values.signature)), values, io);
  },
  cancel(desk: ReplacementDesk, values: Values, io: Io) {
    const token_id = tokenOf(values);
    desk.cancel(token_id);
    io.out(
      values.json === true
        ? `${JSON.stringify({ token_id, cancelled: true })}\n`
        : `the order for token ${token_id} is cancelled\n`,
    );
    return exitCodes.ok;
  },
};

function show(status: ReplacementStatus, { json }: Values, io: Io): number {
  io.out(json === true ? `${JSON.stringify(status)}\n` : replacementText(status));
  return codeOf([status]);
}

function codeOf(all: readonly ReplacementStatus[]): number {
  return all.some(({ waits_for }) => waits_for === "remedy") ? exitCodes.attention : exitCodes.ok;
}

function tokenOf({ token }: Values): string {
  return tokenOption("token", requiredOption("token", token));
}

function invalid(message: string): CaliberError {
  return new CaliberError("OPTION_INVALID", message, { disposition: "user" });
}
