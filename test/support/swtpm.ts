import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";

/** A TPM 2.0 in software, with a seed of its own. */
export type Swtpm = {
  /** As tpm2-tools name it. */
  tcti: string;
  /** Runs `tpm2_<tool>` against it; gives what it prints. */
  tool(name: string, args: readonly string[]): string;
  /** Puts a maker's certificate (DER) where TPMs keep the one for their RSA-2048 endorsement key. */
  installEkCertificate(der: Buffer): void;
  /** PEM of the endorsement key that the default template gives. */
  ekPem(algorithm: "rsa" | "ecc"): string;
  /** TPM reset, as at a reboot: saved contexts are void, wrapped keys are not. */
  reset(): Promise<void>;
  stop(): Promise<void>;
};

const has = (program: string): boolean => !("error" in spawnSync(program, ["--version"]));

/** Suites that need swtpm and tpm2-tools: skipped where they are not installed, but never in CI. */
export const describeWithTpm =
  process.env.CI === "true" || (has("swtpm") && has("tpm2_sign")) ? describe : describe.skip;

/** Starts a TPM of its own on two free ports of the loopback. */
export async function startSwtpm(): Promise<Swtpm> {
  const directory = mkdtempSync(join(tmpdir(), "caliber-swtpm-"));
  const port = await twoFreePorts();
  const on = (one: number) => `type=tcp,bindaddr=127.0.0.1,port=${one}`;
  const power = async (): Promise<() => Promise<void>> => {
    const child = spawn(
      "swtpm",
      [
        ...["socket", "--tpm2", "--tpmstate", `dir=${directory}`, "--flags", "not-need-init,startup-clear"],
        ...["--server", on(port), "--ctrl", on(port + 1)],
      ],
      { stdio: "ignore" },
    );
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await untilListening(port + 1);
    return () => {
      child.kill();
      return ended;
    };
  };
  let off = await power();
  const tcti = `swtpm:host=127.0.0.1,port=${port}`;
  const tool = (name: string, args: readonly string[]): string => {
    const run = (one: string, with_args: readonly string[]) =>
      execFileSync(`tpm2_${one}`, [...with_args, "-T", tcti], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, TSS2_LOG: "all+none" },
      });
    try {
      return run(name, args);
    } finally {
      run("flushcontext", ["-t"]);
    }
  };
  return {
    tcti,
    tool,
    installEkCertificate(der) {
      const path = join(directory, "ek.crt");
      writeFileSync(path, der);
      const open = "ownerread|ownerwrite|authread|authwrite|no_da";
      tool("nvdefine", ["0x1c00002", "-C", "o", "-s", String(der.length), "-a", open]);
      tool("nvwrite", ["0x1c00002", "-C", "o", "-i", path]);
    },
    ekPem(algorithm) {
      const [context, pem] = [join(directory, "ek.ctx"), join(directory, "ek.pem")];
      tool("createek", ["-G", algorithm, "-c", context, "-u", pem, "-f", "pem"]);
      return readFileSync(pem, "utf8");
    },
    async reset() {
      await off();
      off = await power();
    },
    async stop() {
      await off();
      rmSync(directory, { recursive: true });
    },
  };
}

/** tpm2-tss expects the control port right behind the other. */
async function twoFreePorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("swtpm did not start");
}
