import { parseArgs } from "node:util";
import type { DeviceView } from "../../../registry/api/deviceView.js";
import { apiClient } from "../../apiClient.js";
import { deviceTable } from "../../deviceTable.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";
import { readSecret } from "../../readSecret.js";

const usage = `caliber registry devices --api http://127.0.0.1:PORT --token-file FILE [--json]

One row a device, from a running registry's API.
`;

export const options = {
  api: { type: "string" },
  "token-file": { type: "string" },
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
  const token = readSecret("token-file", requiredOption("token-file", values["token-file"]));
  const api = apiClient(requiredOption("api", values.api), token);
  const { devices } = (await api.get("/v1/devices")) as { devices: DeviceView[] };
  io.out(
    values.json === true
      ? `${JSON.stringify(devices)}\n`
      : `${deviceTable(devices, Date.now()).join("\n")}\n`,
  );
  return exitCodes.ok;
}
