import { parseArgs } from "node:util";
import pino from "pino";
import { createNvattest } from "../../../agent/evidence/createNvattest.js";
import { createNvmlEvidence } from "../../../agent/evidence/createNvmlEvidence.js";
import type { EvidenceCollector } from "../../../agent/evidence/evidenceCollector.js";
import { firstCollector } from "../../../agent/evidence/firstCollector.js";
import { hostFiles } from "../../../agent/hostFacts/hostFiles.js";
import { readHostFacts } from "../../../agent/hostFacts/readHostFacts.js";
import { mqttTransport } from "../../../agent/publisher/mqttTransport.js";
import { parseTitleContract, type TitleContract } from "../../../agent/runtime/parseTitleContract.js";
import { startAgent } from "../../../agent/runtime/startAgent.js";
import { systemClock } from "../../../agent/runtime/systemClock.js";
import { nvmlLibrary } from "../../../agent/sources/nvml/createNvmlSource.js";
import { openSource } from "../../../agent/sources/openSource.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { choiceOption, requiredOption } from "../../options.js";
import { tokenOption } from "../../tokenOption.js";
import { untilStopped } from "../../untilStopped.js";
import { sourceFlags, sourceSettings, sourceUsage } from "./sourceOptions.js";

const levels = ["fatal", "error", "warn", "info", "debug"] as const;

const ways = ["auto", "nvml", "nvattest", "off"] as const;

const usage = `caliber agent run --data-dir DIR [options]

${sourceUsage}  --accept-contract C    CHAIN_ID:0xADDRESS, the token contract that the GPUs consent to from now on, instead of the one
                         that they consented to first
  --accept-replacement N number of the one token that GPUs of this host may stand in for (caliber registry replace); while it
                         is given they consent to no title of their own; needs --accept-contract
  --evidence E           ${ways.join(" | ")}: how GPUs are asked to prove themselves (auto: NVML, then nvattest;
                         off for simulated GPUs)
  --nvattest PATH        NVIDIA's attestation CLI, by path or name, or off (nvattest; off for simulated GPUs)
  --log-level LEVEL      ${levels.join(" | ")} (info)
  --exit-with-parent     end when standard input ends

Reads the GPUs, signs what they say and brings it to the registry, until SIGTERM or SIGINT. Logs go to standard error as
JSON.
`;

export const options = {
  ...sourceFlags,
  "data-dir": { type: "string" },
  "accept-contract": { type: "string" },
  "accept-replacement": { type: "string" },
  evidence: { type: "string" },
  nvattest: { type: "string" },
  "log-level": { type: "string" },
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
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  // A wrong option is told before anything begins.
  sourceSettings(values, { simulated: false });
  evidenceWay(values, false);
  const accepted = values["accept-contract"];
  const accept_contract = accepted === undefined ? undefined : contractOption(accepted);
  const replaced = values["accept-replacement"];
  const accept_replacement = replaced === undefined ? undefined : tokenOption("accept-replacement", replaced);
  if (accept_replacement !== undefined && accept_contract === undefined) {
    throw new CaliberError(
      "OPTION_MISSING",
      "--accept-replacement needs --accept-contract: another contract has a token of that number too",
      { disposition: "user" },
    );
  }
  const level = choiceOption("log-level", values["log-level"], "info", levels);
  const log = pino({ name: "agent", level }, pino.destination({ dest: 2, sync: true }));
  const stopped = untilStopped(values["exit-with-parent"] === true);
  const agent = await startAgent({
    data_dir,
    source: ({ known, simulated }) =>
      openSource(sourceSettings(values, { simulated }), { known, clock: systemClock }),
    collector: ({ simulated }) => collectorOf(values, simulated),
    host_facts: readHostFacts(hostFiles()),
    transport: mqttTransport,
    clock: systemClock,
    random: Math.random,
    log,
    accept_contract,
    accept_replacement,
  });
  log.info({ why: await stopped }, "stopping");
  await agent.stop();
  // A broker or a child that does not let go must not keep the process: everything is on disk.
  process.exit(exitCodes.ok);
}

type EvidenceValues = { evidence?: string; nvattest?: string; nvml?: string };

function evidenceWay({ evidence, nvattest }: EvidenceValues, simulated: boolean): (typeof ways)[number] {
  // This machine's own GPUs are not the simulated ones.
  const simulators = nvattest === undefined ? "off" : "nvattest";
  return choiceOption("evidence", evidence, simulated ? simulators : "auto", ways);
}

function collectorOf(values: EvidenceValues, simulated: boolean): EvidenceCollector | null {
  const way = evidenceWay(values, simulated);
  const { nvattest: path = "nvattest", nvml: library = nvmlLibrary } = values;
  const collectors: EvidenceCollector[] = [];
  if (way === "auto" || way === "nvml") collectors.push(createNvmlEvidence({ library }));
  if ((way === "auto" || way === "nvattest") && path !== "off") collectors.push(createNvattest({ path }));
  return collectors.length === 0 ? null : firstCollector(collectors);
}

function contractOption(text: string): TitleContract {
  try {
    return parseTitleContract(text);
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    const { code, message, disposition } = error;
    throw new CaliberError(code, `--accept-contract: ${message}`, { cause: error, disposition });
  }
}
