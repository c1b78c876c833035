#!/usr/bin/env node
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { captureRaw } from "./captureRaw.js";
import { caliber, cliPath } from "./cli.js";
import { compareScans } from "./compareScans.js";
import { createScrubber } from "./createScrubber.js";
import { findLoad } from "./findLoad.js";
import { reportText } from "./reportText.js";
import { runAgent } from "./runAgent.js";

const usage = `node scripts/gpu-check --out DIR [--seconds 60] [--load COMMAND]

On a machine with a GPU: reads it through every source, compares the readings field by field, runs the agent against a
registry of its own on this machine, idle and under load, and writes report.md, report.json and fixtures into DIR. What
names a GPU or a machine is replaced in the fixtures. Needs a build (dist/) and its modules; no network.

  --seconds N      length of each of the two phases (60)
  --load COMMAND   what keeps the GPU busy, instead of what is found here
  --nvidia-smi PATH, --nvml PATH, --dcgm URL   as for caliber agent scan

Exit code 0: every source was read and none contradicts another; 2: read, with contradictions or a source lacking;
1: no GPU here, or the check itself failed.
`;

const { values } = optionsOf({
  options: {
    out: { type: "string" },
    seconds: { type: "string", default: "60" },
    load: { type: "string" },
    "nvidia-smi": { type: "string" },
    nvml: { type: "string" },
    dcgm: { type: "string" },
    help: { type: "boolean" },
  },
});

if (values.help || values.out === undefined || !/^[1-9][0-9]{0,3}$/.test(values.seconds)) {
  (values.help ? process.stdout : process.stderr).write(usage);
  process.exit(values.help ? 0 : 64);
}
if (!existsSync(cliPath)) {
  process.stderr.write("gpu-check: there is no dist/: run `npm run build` first\n");
  process.exit(1);
}

const out = resolve(values.out);
const flags = ["nvidia-smi", "nvml", "dcgm"].flatMap((name) =>
  values[name] === undefined ? [] : [`--${name}`, values[name]],
);
const scans = ["nvml", "nvidia-smi"].map((source) => ({
  source,
  ...scan(["--source", source, ...flags]),
}));
const read = scans.filter(({ result }) => result !== null && result.gpus.length > 0);
if (read.length === 0) {
  for (const { source, error } of scans) process.stderr.write(`gpu-check: ${source}: ${error}\n`);
  process.stderr.write("gpu-check: no GPU could be read on this machine: nothing was checked\n");
  process.exit(1);
}

mkdirSync(out, { recursive: true });
const raw = captureRaw({ nvidiaSmi: values["nvidia-smi"] ?? "nvidia-smi", dcgm: values.dcgm });
const saved = raw.flatMap(({ name, text }) => scanText(name, text));
const all = [...scans, ...saved];
const differences = compareScans(all.filter(({ result }) => result !== null));
const load =
  values.load === undefined ? findLoad() : { name: values.load, command: "sh", args: ["-c", values.load] };
const agent = await runAgent({ seconds: Number(values.seconds), load, flags, work: join(out, "agent") });

const report = {
  v: 1,
  at: new Date().toISOString(),
  node: process.version,
  kernel: execFileSync("uname", ["-sr"], { encoding: "utf8" }).trim(),
  host: read[0].result.host,
  sources: all.map(({ source, result, error }) => ({
    source,
    gpus: result?.gpus.length ?? 0,
    problems: result?.problems ?? [],
    error: error ?? null,
  })),
  differences,
  agent,
};
const scrub = createScrubber(all.flatMap(({ result }) => (result === null ? [] : [result])));
const json = (value) => `${scrub(JSON.stringify(value, null, 2))}\n`;
mkdirSync(join(out, "fixtures"), { recursive: true });
for (const { name, text } of raw) writeFileSync(join(out, "fixtures", name), scrub(text));
for (const { source, result } of read)
  writeFileSync(join(out, "fixtures", `scan-${source}.json`), json(result));
writeFileSync(join(out, "fixtures", "reports.json"), json(agent.reports));
const { reports, ...figures } = agent;
writeFileSync(join(out, "report.json"), json({ ...report, agent: { ...figures, reports: reports.length } }));
writeFileSync(join(out, "report.md"), scrub(reportText({ ...report, agent })));
process.stdout.write(`gpu-check: ${join(out, "report.md")}\n`);
const contradicted = differences.some(({ verdict }) => verdict === "differs");
const whole = read.length === scans.length && agent.error === null && agent.reports.length > 0;
process.exitCode = contradicted || !whole ? 2 : 0;

function optionsOf(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`gpu-check: ${error.message}\n\n${usage}`);
    process.exit(64);
  }
}

/** One reading; a source that gives none is told with its reason. */
function scan(args) {
  const { code, stdout, stderr } = caliber(["agent", "scan", "--json", ...args]);
  if (code === 0) return { result: JSON.parse(stdout), error: null };
  return { result: null, error: stderr.trim() || `exit code ${code}` };
}

/** The same reading again, from what was saved of it. */
function scanText(name, text) {
  const path = join(out, name);
  writeFileSync(path, text, { mode: 0o600 });
  const found = scan(["--from", path]);
  rmSync(path);
  return [{ source: name, ...found }];
}
