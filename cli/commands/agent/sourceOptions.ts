import type { ParseArgsConfig } from "node:util";
import { type SourceSettings, sourceChoices } from "../../../agent/sources/openSource.js";
import { CaliberError } from "../../../protocol/errors.js";
import { choiceOption } from "../../options.js";

/** Flags that say how the GPUs are read, for every command that reads them. */
export const gpuFlags = {
  source: { type: "string" },
  "nvidia-smi": { type: "string" },
  nvml: { type: "string" },
} as const satisfies Flags;

/** The same, and what is joined to it. */
export const sourceFlags = {
  ...gpuFlags,
  dcgm: { type: "string" },
  "kernel-log": { type: "string" },
} as const satisfies Flags;

export const gpuUsage = `  --source S             ${sourceChoices.join(" | ")} (auto: NVML, or nvidia-smi where there is none)
  --nvidia-smi PATH      nvidia-smi, by path or name (nvidia-smi)
  --nvml PATH            NVML library (the system's libnvidia-ml.so.1)
`;

export const sourceUsage = `${gpuUsage}  --dcgm URL             metrics of dcgm-exporter: auto, off or an address (auto: http://127.0.0.1:9400/metrics)
  --kernel-log PATH      where the driver tells of Xids: auto, off, kmsg, journald or a file (auto)
`;

type Flags = NonNullable<ParseArgsConfig["options"]>;
type Values = { [name in keyof typeof sourceFlags]?: string | undefined };

/**
 * What the flags ask for. Simulated GPUs are read through the program that simulates them and nothing else, unless a
 * flag says so: this machine's own driver, DCGM and kernel log speak of other GPUs.
 *
 * @throws CaliberError OPTION_INVALID
 */
export function sourceSettings(values: Values, { simulated }: { simulated: boolean }): SourceSettings {
  const other = simulated ? "off" : "auto";
  return {
    source: choiceOption("source", values.source, simulated ? "nvidia-smi" : "auto", sourceChoices),
    nvidia_smi: values["nvidia-smi"] ?? "nvidia-smi",
    nvml: values.nvml ?? null,
    dcgm: dcgmOption(values.dcgm ?? other),
    kernel_log: kernelLogOption(values["kernel-log"] ?? other),
  };
}

function dcgmOption(text: string): SourceSettings["dcgm"] {
  if (text === "auto" || text === "off") return text;
  if (/^http:\/\/\S+$/.test(text) && URL.canParse(text)) return text as `http${string}`;
  throw invalid("dcgm", "auto, off or an http address");
}

function kernelLogOption(text: string): SourceSettings["kernel_log"] {
  if (text === "auto" || text === "off" || text === "kmsg" || text === "journald") return text;
  if (text.startsWith("/")) return text as `/${string}`;
  throw invalid("kernel-log", "auto, off, kmsg, journald or an absolute path");
}

const invalid = (name: string, what: string) =>
  new CaliberError("OPTION_INVALID", `--${name} is ${what}`, { disposition: "user" });
