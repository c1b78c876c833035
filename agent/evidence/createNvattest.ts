import { execFile } from "node:child_process";
import { CaliberError } from "../../protocol/errors.js";
import { parseNvattest } from "../../protocol/evidence/parseNvattest.js";
import { childEnv } from "../sources/nvidiaSmi/childEnv.js";
import type { EvidenceCollector } from "./evidenceCollector.js";
import { pickEvidence } from "./pickEvidence.js";

export type NvattestOptions = {
  /** The program, by path or by name. */
  path: string;
  /** Added to the child's small environment. */
  env?: Readonly<Record<string, string>>;
  timeout_ms?: number;
};

const maxBuffer = 4 * 1024 * 1024;

/**
 * Collects through NVIDIA's attestation CLI. It asks every GPU of the host each time; of what it prints, report and chain
 * of the GPU in question are taken and nothing else.
 */
export function createNvattest({ path, env = {}, timeout_ms = 25_000 }: NvattestOptions): EvidenceCollector {
  return {
    async collect(nonce, gpu, signal) {
      const args = ["collect-evidence", "--device", "gpu", "--nonce", nonce, "--format", "json"];
      const output = await new Promise<string>((resolve, reject) => {
        const options = {
          timeout: timeout_ms,
          killSignal: "SIGKILL",
          maxBuffer,
          env: childEnv(env),
          signal,
        } as const;
        execFile(path, args, options, (error, stdout) => {
          if (error === null) resolve(stdout);
          else reject(failure(error, path, timeout_ms));
        });
      });
      return { ...pickEvidence(parseNvattest(output), gpu), collector: "nvattest" };
    },
  };
}

type ExecFailure = Error & { code?: unknown; killed?: boolean };

function failure(cause: ExecFailure, path: string, timeout_ms: number): CaliberError {
  if (cause.code === "ENOENT") {
    return new CaliberError("COLLECTOR_MISSING", `there is no ${path}`, { cause, disposition: "user" });
  }
  if (cause.killed === true && typeof cause.code !== "string") {
    return new CaliberError("COLLECTOR_TIMEOUT", `${path} gave no answer in ${timeout_ms} ms`, { cause });
  }
  return new CaliberError("COLLECTOR_FAILED", `${path} ended with ${String(cause.code)}`, { cause });
}
