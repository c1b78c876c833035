import { SHARE_ENV, Worker } from "node:worker_threads";
import { CaliberError } from "../../protocol/errors.js";
import { exitDespite } from "../sources/nvml/exitDespite.js";
import type { EvidenceCollector } from "./evidenceCollector.js";
import type { NvmlEvidenceAnswer, NvmlEvidenceQuestion } from "./readNvmlEvidence.js";

export type NvmlEvidenceOptions = {
  /** Path of the library, or a name that the dynamic linker looks up. */
  library: string;
  timeout_ms?: number;
};

/** The compiled program, also when this module runs as TypeScript: Node starts no thread from TypeScript. */
const workerUrl = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/agent/evidence/nvmlEvidenceWorker.js", import.meta.url)
  : new URL("./nvmlEvidenceWorker.js", import.meta.url);

/**
 * Collects through NVML, which every driver brings along; it answers where confidential computing is on. Each question has a
 * thread of its own beside the one that reads telemetry: a call that never returns costs its answer, and those of later
 * challenges until it does, since there is never a second thread beside one that hangs.
 */
export function createNvmlEvidence({ library, timeout_ms = 25_000 }: NvmlEvidenceOptions): EvidenceCollector {
  let running = false;
  return {
    async collect(nonce, { uuid }, signal) {
      if (running)
        throw new CaliberError("COLLECTOR_TIMEOUT", "an earlier question to NVML has not come back");
      if (signal.aborted) throw stopping();
      const question: NvmlEvidenceQuestion = { library, uuid, nonce };
      const worker = new Worker(workerUrl, { workerData: question, env: SHARE_ENV });
      running = true;
      const release = exitDespite(() => running);
      let timer: NodeJS.Timeout | undefined;
      let onAbort = (): void => undefined;
      const answer = await new Promise<NvmlEvidenceAnswer>((resolve, reject) => {
        let told: NvmlEvidenceAnswer | undefined;
        let failure: unknown;
        worker.once("message", (message: NvmlEvidenceAnswer) => {
          told = message;
        });
        worker.once("error", (error) => {
          failure = error;
        });
        worker.once("exit", () => {
          running = false;
          release();
          if (told !== undefined) resolve(told);
          else {
            const why = "the thread that asks NVML ended";
            reject(new CaliberError("COLLECTOR_FAILED", why, { cause: failure }));
          }
        });
        const leave = (error: CaliberError): void => {
          // Ends it should its call return after all. terminate() takes a reference, so that comes first.
          void worker.terminate();
          worker.unref();
          reject(error);
        };
        const late = new CaliberError("COLLECTOR_TIMEOUT", `NVML gave no answer in ${timeout_ms} ms`);
        timer = setTimeout(() => leave(late), timeout_ms);
        onAbort = () => leave(stopping());
        signal.addEventListener("abort", onAbort);
      }).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      });
      if (!answer.ok) throw new CaliberError(answer.code, answer.message);
      return { report: answer.report, chain: answer.chain, collector: "nvml" };
    },
  };
}

const stopping = (): CaliberError => new CaliberError("COLLECTOR_FAILED", "the agent is stopping");
