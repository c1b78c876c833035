import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import { privateDirectory } from "../files/privateDirectory.js";

/** tpm2-tools (5.x) as child processes, one at a time, with a directory for what they read and write. */
export type TpmTools = {
  /** Where a file of this name lies. */
  path(name: string): string;
  has(name: string): boolean;
  read(name: string): Buffer;
  write(name: string, bytes: Uint8Array): void;
  /**
   * Runs `tpm2_<tool>`; waits for it, since a signature is made within a transaction.
   *
   * @param outputs files that it writes: made private to their owner.
   * @throws CaliberError TPM_TOOLS_MISSING, TPM_FAILED
   */
  run(
    tool: string,
    args: readonly string[],
    options?: { outputs?: readonly string[]; timeout_ms?: number },
  ): void;
};

export const defaultTcti = "device:/dev/tpmrm0";

const default_timeout_ms = 5_000;
const tctiShape = /^(device|swtpm|mssim|tabrmd)(:[A-Za-z0-9=,./_-]{1,200})?$/;

/**
 * @param tcti how the TPM is reached, as tpm2-tools spell it: `device:/dev/tpmrm0`.
 * @throws CaliberError TCTI_INVALID, KEY_FILE_PERMISSIONS
 */
export function createTpmTools(directory: string, tcti: string): TpmTools {
  // The name picks a library that every tool loads.
  if (!tctiShape.test(tcti)) {
    throw new CaliberError("TCTI_INVALID", "a TPM is named as device:/dev/tpmrm0 or as swtpm:host=…,port=…", {
      disposition: "user",
    });
  }
  privateDirectory(directory);
  const path = (name: string): string => join(directory, name);
  const isShared = /^tabrmd|tpmrm/.test(tcti);

  const exec = (tool: string, args: readonly string[], timeout_ms: number): void => {
    try {
      execFileSync(`tpm2_${tool}`, [...args, "-T", tcti], {
        stdio: ["ignore", "ignore", "pipe"],
        timeout: timeout_ms,
        killSignal: "SIGKILL",
        maxBuffer: 64 * 1024,
        env: childEnv(),
      });
    } catch (cause) {
      const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: Buffer };
      if (code === "ENOENT") {
        throw new CaliberError("TPM_TOOLS_MISSING", `tpm2_${tool} is not installed (package tpm2-tools)`, {
          disposition: "user",
        });
      }
      const why = code === "ETIMEDOUT" ? `no answer within ${timeout_ms} ms` : reasonIn(stderr);
      throw new CaliberError("TPM_FAILED", `tpm2_${tool}: ${why}`, { disposition: "user" });
    }
  };
  return {
    path,
    has: (name) => existsSync(path(name)),
    read: (name) => readFileSync(path(name)),
    write: (name, bytes) => writeFileSync(path(name), bytes, { mode: 0o600 }),
    run(tool, args, { outputs = [], timeout_ms = default_timeout_ms } = {}) {
      for (const name of outputs) rmSync(path(name), { force: true });
      try {
        exec(tool, args, timeout_ms);
      } finally {
        // The tools leave what they load in the TPM, which has three places; a resource manager clears them itself.
        if (!isShared) exec("flushcontext", ["-t"], default_timeout_ms);
      }
      for (const name of outputs) chmodSync(path(name), 0o600);
    },
  };
}

/** How to find the tools and their libraries, and no more: TPM2TOOLS_* would change what they do. */
function childEnv(): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return { PATH, LD_LIBRARY_PATH, LC_ALL: "C", TSS2_LOG: "all+none" };
}

/** The tools end with "ERROR: Unable to run …"; what is wrong stands before it. */
function reasonIn(stderr: Buffer | undefined): string {
  const lines = (stderr?.toString("utf8") ?? "").split("\n").filter((line) => line.startsWith("ERROR: "));
  const line = lines.find((one) => !one.startsWith("ERROR: Unable to run")) ?? "it failed";
  return line.replace("ERROR: ", "").slice(0, 200);
}
