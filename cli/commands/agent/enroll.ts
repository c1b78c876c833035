import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { enrolHost } from "../../../agent/enrol/enrolHost.js";
import type { Identity } from "../../../agent/enrol/identity.js";
import { identityFile } from "../../../agent/enrol/identityFile.js";
import { type KeyStoreChoice, openKeyStore } from "../../../agent/keys/openKeyStore.js";
import { defaultTcti } from "../../../agent/keys/tpmTools.js";
import { lockDataDir } from "../../../agent/runtime/lockDataDir.js";
import { systemClock } from "../../../agent/runtime/systemClock.js";
import { openSource, type SourceSettings } from "../../../agent/sources/openSource.js";
import { parseEnrolToken } from "../../../protocol/enrol/enrolToken.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { choiceOption, requiredOption } from "../../options.js";
import { readSecret } from "../../readSecret.js";
import { gpuFlags, gpuUsage, sourceSettings } from "./sourceOptions.js";

const usage = `caliber agent enroll --token-file FILE --data-dir DIR [options]

  --label NAME           name of this host for people (its host name)
${gpuUsage}  --simulated            the GPUs are a simulator's: every report will say so
  --keys file|tpm        where the GPUs' keys are made and stay (file)
  --tpm TCTI             with --keys tpm: how the TPM is reached (${defaultTcti})
  --json                 print what was enrolled as JSON

Makes one key for this host and one for each GPU, and enrols them with the registry that the token names. Run it again
with another token to add GPUs. The agent must not be running. Keys in a TPM need tpm2-tools, and a registry that trusts
the TPM's maker or a token that names its endorsement key.
`;

export const options = {
  "token-file": { type: "string" },
  "data-dir": { type: "string" },
  ...gpuFlags,
  label: { type: "string" },
  keys: { type: "string" },
  tpm: { type: "string" },
  simulated: { type: "boolean" },
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
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  const simulated = values.simulated === true;
  const settings = sourceSettings(values, { simulated });
  const token = parseEnrolToken(readSecret("token-file", requiredOption("token-file", values["token-file"])));
  mkdirSync(data_dir, { recursive: true, mode: 0o700 });
  const unlock = lockDataDir(data_dir);
  try {
    const file = identityFile(data_dir);
    const known = file.exists() ? file.load() : null;
    if (known !== null && known.simulated !== simulated) {
      throw new CaliberError("ENROL_MIXED", "simulated and real GPUs cannot be enrolled as one host", {
        disposition: "user",
      });
    }
    const store = storeOf(values.keys, values.tpm, known);
    const identity = await enrolHost({
      token,
      keys: openKeyStore(data_dir, store),
      store,
      uuids: await uuidsOf(settings, io),
      label: labelOf(values.label ?? known?.label ?? hostname()),
      simulated,
      known,
    });
    file.save(identity);
    const { host, label, devices, recipient, log_origin, mqtt_url } = identity;
    if (values.json === true) {
      io.out(
        `${JSON.stringify({ host, label, simulated, keys: store.store, recipient, log_origin, mqtt_url, devices })}\n`,
      );
    } else {
      io.out(
        `enrolled ${label} as ${host} with ${devices.length} GPUs${simulated ? " (simulated)" : ""}${store.store === "tpm" ? ", keys in the TPM" : ""}\n`,
      );
      for (const { uuid, device } of devices) io.out(`  ${uuid}  ${device}\n`);
      io.out(`titles go to ${recipient}; reports go to ${mqtt_url}\n`);
    }
    return exitCodes.ok;
  } finally {
    unlock();
  }
}

/** As asked for, or as before: the keys of one host are in one store. */
function storeOf(keys: string | undefined, tcti: string | undefined, known: Identity | null): KeyStoreChoice {
  const before = known?.keys;
  const kind = choiceOption("keys", keys, before?.store ?? "file", ["file", "tpm"]);
  if (before !== undefined && before.store !== kind) {
    throw new CaliberError("KEY_STORE_MIXED", `the keys of this host are in the store "${before.store}"`, {
      disposition: "user",
    });
  }
  if (kind === "tpm")
    return { store: kind, tcti: tcti ?? (before?.store === "tpm" ? before.tcti : defaultTcti) };
  if (tcti !== undefined) {
    throw new CaliberError("OPTION_INVALID", "--tpm goes with --keys tpm", { disposition: "user" });
  }
  return { store: kind };
}

/** One full reading: the GPUs that the source shows now. */
async function uuidsOf(settings: SourceSettings, io: Io): Promise<string[]> {
  const alone = { ...settings, dcgm: "off", kernel_log: "off" } as const;
  const source = await openSource(alone, { known: [], clock: systemClock });
  let problem: CaliberError | null = null;
  await source.start({
    onSamples: () => undefined,
    onInventory: () => undefined,
    onProblem: (error) => {
      problem ??= error;
    },
  });
  const uuids = source.inventory().map(({ uuid }) => uuid);
  await source.stop();
  if (problem !== null && uuids.length === 0) throw problem;
  if (problem !== null) io.err(`caliber: ${(problem as CaliberError).message}\n`);
  return uuids;
}

/** A host name may hold what a label may not. */
function labelOf(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 64) || "host";
}
