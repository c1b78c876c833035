import { parseArgs } from "node:util";
import pino from "pino";
import { type Hex, isAddress, isHash, parseGwei, zeroHash } from "viem";
import { CaliberError } from "../../../protocol/errors.js";
import type { WriterAccount } from "../../../registry/chain/openWriterAccount.js";
import { createRegistry } from "../../../registry/createRegistry.js";
import { defaultServerNames } from "../../../registry/enrol/issueServerCertificate.js";
import { type HealthPolicyName, healthPolicies } from "../../../registry/health/policy.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { choiceOption, durationOption, integerOption, requiredOption } from "../../options.js";
import { untilStopped } from "../../untilStopped.js";
import { coSignerOptions } from "./coSignerOptions.js";
import { loanOptions } from "./loanOptions.js";

const usage = `caliber registry run --data-dir DIR [options]

  --bind ADDR            address on which hosts reach MQTT and enrolment (127.0.0.1)
  --api-bind ADDR        address of the read API, which is plain HTTP (127.0.0.1)
  --name NAME            name or address by which hosts reach this registry; may be repeated (localhost)
  --mqtt-port N          MQTT over TLS (0: any free port)
  --enrol-port N         enrolment over HTTPS (0)
  --api-port N           read API over HTTP (0)
  --host-rate N          packets a second that one host may send in the long run (100)
  --policy NAME          ${Object.keys(healthPolicies).join(" | ")} (standard)
  --window 60s           window that agents are told to report by
  --tpm-roots DIR        certificates of the TPM makers whose TPMs may hold device keys (none)
  --tick 15s             longest time between ticks of the log
  --rpc-url URL          node of the chain; may be repeated; without it no tokens are minted
  --deployment FILE      contracts' addresses
  --writer-key FILE      encrypted keystore of the account that writes (see caliber registry writer-key)
  --writer-password FILE file that holds the keystore's password
  --writer-signer URL    signer that holds the key instead of a keystore (eth_signTransaction, as web3signer's)
  --writer-address 0x…   with --writer-signer: the account that writes
  --co-signer 0x…=URL    another attestor, and the signer that signs health posts for it; may be repeated
  --title-header 0x…     hash of the registered header that new titles name (none)
  --epoch 1h             health is posted at least twice an epoch
  --anchor-every 1h      checkpoints are anchored at most this often
  --beacon-every 60s     blocks become beacons at most this often
  --max-fee N            most that a unit of gas may cost, in gwei (100)
  --confirmations N      blocks on top before the chain's word counts, and before agents delete what is anchored (6)
  --loan-router 0x…      LoanRouterV2 whose loans are followed (none are)
  --loan-timelock 0x…    its CollateralTimelock
  --loan-start N         first block that can hold a log of either
  --loan-poll 15s        the chain is read for loans this often
  --exit-with-parent     end when standard input ends

Prints one JSON line with its ports when it is up; logs go to standard error as JSON.
UV_THREADPOOL_SIZE decides how many signatures are checked at once: cores minus one is best. With many reports a second
start it as node --max-semi-space-size=64.
`;

export const options = {
  "data-dir": { type: "string" },
  bind: { type: "string" },
  "api-bind": { type: "string" },
  name: { type: "string", multiple: true },
  "mqtt-port": { type: "string" },
  "enrol-port": { type: "string" },
  "api-port": { type: "string" },
  "host-rate": { type: "string" },
  policy: { type: "string" },
  window: { type: "string" },
  "tpm-roots": { type: "string" },
  tick: { type: "string" },
  "rpc-url": { type: "string", multiple: true },
  deployment: { type: "string" },
  "writer-key": { type: "string" },
  "writer-password": { type: "string" },
  "writer-signer": { type: "string" },
  "writer-address": { type: "string" },
  "co-signer": { type: "string", multiple: true },
  "title-header": { type: "string" },
  epoch: { type: "string" },
  "anchor-every": { type: "string" },
  "beacon-every": { type: "string" },
  "max-fee": { type: "string" },
  confirmations: { type: "string" },
  "loan-router": { type: "string" },
  "loan-timelock": { type: "string" },
  "loan-start": { type: "string" },
  "loan-poll": { type: "string" },
  "exit-with-parent": { type: "boolean" },
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
  const log = pino(
    { name: "registry", redact: ["secret", "*.secret"] },
    pino.destination({ dest: 2, sync: true }),
  );
  const fail = (error: unknown): never => {
    log.fatal({ err: error }, "the registry cannot go on");
    process.exit(exitCodes.failed);
  };
  const policies = Object.keys(healthPolicies) as HealthPolicyName[];
  const port = (name: "mqtt-port" | "enrol-port" | "api-port") =>
    integerOption(name, values[name], 0, 0, 65_535);
  const registry = await createRegistry({
    data_dir: requiredOption("data-dir", values["data-dir"]),
    bind: values.bind ?? "127.0.0.1",
    api_bind: values["api-bind"] ?? "127.0.0.1",
    server_names: values.name ?? [...defaultServerNames],
    mqtt_port: port("mqtt-port"),
    enrol_port: port("enrol-port"),
    api_port: port("api-port"),
    host_packets_per_s: integerOption("host-rate", values["host-rate"], 100, 1, 100_000),
    policy: choiceOption("policy", values.policy, "standard", policies),
    window_ms: durationOption("window", values.window, 60_000),
    tpm_roots: values["tpm-roots"],
    tick_ms: durationOption("tick", values.tick, 15_000),
    chain: chainOptions(values),
    loans: loanOptions(values),
    log,
    now_ms: Date.now,
    onFatal: fail,
  });
  const { mqtt_port, enrol_port, api_port } = registry;
  io.out(`${JSON.stringify({ event: "ready", mqtt_port, enrol_port, api_port })}\n`);
  await untilStopped(values["exit-with-parent"] === true);
  await registry.stop();
  return exitCodes.ok;
}

function chainOptions(
  values: Partial<
    Record<
      | "deployment"
      | "writer-key"
      | "writer-password"
      | "writer-signer"
      | "writer-address"
      | "title-header"
      | "epoch"
      | "anchor-every"
      | "beacon-every"
      | "max-fee"
      | "confirmations",
      string
    > & { "rpc-url": string[]; "co-signer": string[] }
  >,
) {
  const rpc_urls = values["rpc-url"];
  if (rpc_urls === undefined) {
    if (values.deployment !== undefined || values["writer-key"] !== undefined) {
      throw new CaliberError("OPTION_MISSING", "--rpc-url is needed with --deployment and --writer-key", {
        disposition: "user",
      });
    }
    return null;
  }
  return {
    rpc_urls,
    deployment_file: requiredOption("deployment", values.deployment),
    writer: writerOptions(values),
    co_signers: coSignerOptions(values["co-signer"] ?? []),
    settings: {
      header_hash: headerOption(values["title-header"]),
      epoch_ms: durationOption("epoch", values.epoch, 3_600_000),
      anchor_interval_ms: durationOption("anchor-every", values["anchor-every"], 3_600_000),
      beacon_interval_ms: durationOption("beacon-every", values["beacon-every"], 60_000),
      max_fee_cap_wei: parseGwei(String(integerOption("max-fee", values["max-fee"], 100, 1, 1_000_000))),
      confirmations: integerOption("confirmations", values.confirmations, 6, 0, 10_000),
    },
  };
}

function headerOption(hash: string | undefined): Hex {
  if (hash === undefined) return zeroHash;
  if (!isHash(hash)) {
    throw new CaliberError("OPTION_INVALID", "--title-header is a header's hash", { disposition: "user" });
  }
  return hash.toLowerCase() as Hex;
}

function writerOptions(
  values: Partial<Record<"writer-key" | "writer-password" | "writer-signer" | "writer-address", string>>,
): WriterAccount {
  const signer_url = values["writer-signer"];
  if (signer_url === undefined) {
    return {
      key_file: requiredOption("writer-key", values["writer-key"]),
      password_file: values["writer-password"] ?? null,
    };
  }
  if (values["writer-key"] !== undefined) {
    throw new CaliberError("OPTION_INVALID", "--writer-key and --writer-signer exclude each other", {
      disposition: "user",
    });
  }
  const address = requiredOption("writer-address", values["writer-address"]);
  if (!isAddress(address)) {
    throw new CaliberError("OPTION_INVALID", "--writer-address is an address", { disposition: "user" });
  }
  return { signer_url, address };
}
