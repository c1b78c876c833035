import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSpool } from "./createSpool.js";
import { openSpoolDatabase } from "./openSpoolDatabase.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rounds = 12;
let directory: string;
let compiled: string;

/**
 * Signs as fast as it can, and prints each statement the moment it may be published. Killed, it leaves whatever it
 * leaves. ECDSA and the time in it make every statement unlike any other.
 */
const child = (spool: string): string => `
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { hash } from "node:crypto";
import { createSpool } from ${JSON.stringify(join(compiled, "agent/spool/createSpool.js"))};
import { openSpoolDatabase } from ${JSON.stringify(join(compiled, "agent/spool/openSpoolDatabase.js"))};
const spool = createSpool(openSpoolDatabase(${JSON.stringify(spool)}),
  { max_reports: 1e6, max_report_bytes: 1e9, max_sample_bytes: 1e5 });
for (let id = 0; ; ) {
  for (const device of ["a", "b"]) {
    spool.append(device, ({ seq, prev }) => {
      const envelope = Buffer.concat([Buffer.from(device + seq + prev), randomBytes(1000)]);
      const statement = hash("sha256", envelope, "hex");
      return { kind: "telemetry", statement, envelope, start_ms: seq, end_ms: seq + 1, told_from: null, leaves: randomBytes(500) };
    });
  }
  for (const report of spool.waitingAfter(id, 10)) {
    id = report.id;
    writeSync(1, report.device + " " + report.seq + " " + report.statement + "\\n");
  }
}
`;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-crash-"));
  // Beside the sources, where packages are found; dist/ is not kept.
  mkdirSync(join(root, "dist"), { recursive: true });
  compiled = mkdtempSync(join(root, "dist", "crash-test-"));
  const config = {
    extends: join(root, "tsconfig.build.json"),
    compilerOptions: {
      rootDir: root,
      outDir: compiled,
      sourceMap: false,
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: [join(root, "agent/spool/*.ts")],
    exclude: [join(root, "**/*.test.ts")],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(directory, "tsconfig.json")], {
    stdio: "pipe",
  });
}, 60_000);
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
  rmSync(compiled, { recursive: true, force: true });
});

/** Runs the child until it is killed, `ms` after its first line, and gives what it printed whole. */
function runUntilKilled(script: string, ms: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const signer = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    signer.stdout.on("data", (chunk: Buffer) => {
      if (out === "") setTimeout(() => signer.kill("SIGKILL"), ms);
      out += chunk.toString();
    });
    signer.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    signer.on("close", (_code, signal) => {
      if (signal === "SIGKILL") resolve(out.split("\n").slice(0, -1));
      else reject(new Error(`the child ended by itself: ${err}`));
    });
  });
}

describe("a spool whose process is killed at any moment", () => {
  it("never lets one seq carry two published statements, and loses none", async () => {
    const path = join(directory, "spool.db");
    const script = join(directory, "child.mjs");
    writeFileSync(script, child(path));
    const published = new Map<string, string>();
    for (let round = 0; round < rounds; round++) {
      const lines = await runUntilKilled(script, Math.random() * 120);
      for (const line of lines) {
        const [device, seq, statement] = line.split(" ");
        const place = `${device} ${seq}`;
        expect(published.get(place) ?? statement).toBe(statement);
        published.set(place, statement!);
      }
    }
    expect(published.size).toBeGreaterThan(rounds * 2);

    const spool = createSpool(openSpoolDatabase(path), {
      max_reports: 1e6,
      max_report_bytes: 1e9,
      max_sample_bytes: 1e5,
    });
    const kept = spool.waitingAfter(0, 1e6);
    const byPlace = new Map(kept.map(({ device, seq, statement }) => [`${device} ${seq}`, statement]));
    expect([...published].filter(([place, statement]) => byPlace.get(place) !== statement)).toEqual([]);
    for (const device of ["a", "b"]) {
      const chain = kept.filter((report) => report.device === device);
      expect(chain.map(({ seq }) => seq)).toEqual(chain.map((_report, index) => index));
      for (const [index, { envelope }] of chain.entries()) {
        const prev = chain[index - 1]?.statement ?? "0".repeat(64);
        expect(envelope.toString("latin1").startsWith(`${device}${index}${prev}`)).toBe(true);
      }
      expect(spool.head(device)).toMatchObject({ seq: chain.length - 1, statement: chain.at(-1)?.statement });
    }
    expect(spool.depth()).toMatchObject({ waiting: kept.length, reports: kept.length });
    spool.close();
  }, 60_000);
});
