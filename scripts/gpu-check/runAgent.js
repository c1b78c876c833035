import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { caliber, cliPath } from "./cli.js";

/** Titles are not minted here: no chain is joined. */
const recipient = `0x${"00".repeat(19)}01`;
const window_s = 10;
/** proc(5): ticks a second on every Linux that Node runs on. */
const ticks = 100;

/**
 * Enrols this machine with a registry that lives for the check alone, and runs the agent idle and then under load. What
 * it made is deleted but for its logs.
 */
export async function runAgent({ seconds, load, flags, work }) {
  const result = { load: load?.name ?? null, phases: [], reports: [], implausible: [], error: null };
  mkdirSync(work, { recursive: true });
  const [registryDir, agentDir] = [join(work, "registry"), join(work, "host")];
  for (const dir of [registryDir, agentDir]) rmSync(dir, { recursive: true, force: true });
  const parts = [];
  let busy = null;
  try {
    succeed(["registry", "init", "--data-dir", registryDir]);
    const registry = start(work, "registry", [
      "registry",
      "run",
      "--data-dir",
      registryDir,
      "--window",
      `${window_s}s`,
      "--exit-with-parent",
    ]);
    parts.push(registry);
    const { enrol_port } = JSON.parse(await firstLine(registry));
    const url = `https://localhost:${enrol_port}`;
    const { token } = JSON.parse(
      succeed(
        ["registry", "token", "create", "--data-dir", registryDir, "--url", url].concat([
          "--recipient",
          recipient,
          "--operator",
          "gpu-check",
          "--json",
        ]),
      ),
    );
    const tokenFile = join(work, "enrol.token");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const own = without(flags, "--dcgm");
    succeed(["agent", "enroll", "--token-file", tokenFile, "--data-dir", agentDir, ...own]);
    rmSync(tokenFile);
    const agent = start(work, "agent", [
      "agent",
      "run",
      "--data-dir",
      agentDir,
      "--exit-with-parent",
      ...flags,
    ]);
    parts.push(agent);
    await sleep(2 * window_s * 1000);
    result.phases.push(await phase("idle", agent, seconds));
    if (load !== null) busy = startLoad(load, result);
    result.phases.push(await phase(load === null ? "idle again" : "load", agent, seconds));
  } catch (error) {
    result.error = error.message;
  } finally {
    busy?.end();
    for (const part of parts.reverse()) await stop(part);
  }
  result.reports = reportsOf(join(agentDir, "spool.db"));
  for (const dir of [registryDir, agentDir]) rmSync(dir, { recursive: true, force: true });
  const telemetry = result.reports.filter(({ kind }) => kind === "telemetry");
  result.implausible = telemetry.flatMap(({ body }) => body.implausible);
  result.phases = result.phases.map((one) => ({ ...one, ...meansOf(telemetry, one) }));
  return result;
}

/** In a group of its own: a shell's children end with it. */
function startLoad({ command, args }, result) {
  const child = spawn(command, args, { stdio: "ignore", detached: true });
  let wanted = true;
  child.on("error", (error) => {
    result.error = `the load could not be started: ${error.message}`;
  });
  child.on("exit", (code, signal) => {
    if (wanted) result.error = `the load ended with ${signal ?? `exit code ${code}`} before its time`;
  });
  return {
    end() {
      wanted = false;
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, "SIGKILL");
      }
    },
  };
}

function succeed(args) {
  const { code, stdout, stderr } = caliber(args);
  if (code !== 0)
    throw new Error(`caliber ${args.slice(0, 2).join(" ")}: ${stderr.trim() || `exit code ${code}`}`);
  return stdout;
}

function without(flags, name) {
  const at = flags.indexOf(name);
  return at < 0 ? flags : [...flags.slice(0, at), ...flags.slice(at + 2)];
}

function start(work, name, args) {
  const log = openSync(join(work, `${name}.log`), "w", 0o600);
  return spawn(process.execPath, [cliPath, ...args], { stdio: ["pipe", "pipe", log] });
}

async function firstLine(part) {
  const lines = createInterface({ input: part.stdout });
  const ended = once(part, "exit").then(([code]) => {
    throw new Error(`the registry ended with code ${code} before it was up`);
  });
  // Nobody waits for its end once it is up.
  ended.catch(() => undefined);
  const [line] = await Promise.race([once(lines, "line"), ended]);
  return line;
}

async function stop(part) {
  if (part.exitCode !== null || part.signalCode !== null) return;
  part.kill("SIGTERM");
  await Promise.race([once(part, "exit"), sleep(5000)]);
  if (part.exitCode === null) part.kill("SIGKILL");
}

async function phase(name, part, seconds) {
  const from = { ms: Date.now(), cpu_s: cpuSeconds(part.pid) };
  await sleep(seconds * 1000);
  const elapsed_s = (Date.now() - from.ms) / 1000;
  const cpu_s = cpuSeconds(part.pid) - from.cpu_s;
  const kib = Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${part.pid}/status`, "utf8"))?.[1]);
  return {
    name,
    seconds,
    from_ms: from.ms,
    to_ms: Date.now(),
    cpu_percent: Number(((cpu_s * 100) / elapsed_s).toFixed(2)),
    rss_mib: Number((kib / 1024).toFixed(1)),
  };
}

function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** What the agent signed, as it stands in its spool: without a chain nothing of it is deleted. */
function reportsOf(path) {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true });
    const rows = db.prepare("SELECT envelope FROM report ORDER BY id").pluck().all();
    db.close();
    return rows.map((bytes) =>
      JSON.parse(Buffer.from(JSON.parse(bytes.toString()).payload, "base64").toString()),
    );
  } catch (error) {
    // Nothing was signed before the check failed, which it tells itself.
    if (error.code === "SQLITE_CANTOPEN") return [];
    throw error;
  }
}

/** Means over the windows that lie within the phase. */
function meansOf(telemetry, { from_ms, to_ms }) {
  const within = telemetry.filter(({ window }) => window.start_ms >= from_ms && window.end_ms <= to_ms);
  const mean = (name) => {
    const values = within.flatMap(({ body }) => (body[name] === null ? [] : [body[name].mean]));
    return values.length === 0
      ? null
      : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
  };
  return { util_permille: mean("util_permille"), power_mw: mean("power_mw"), temp_mc: mean("temp_mc") };
}
