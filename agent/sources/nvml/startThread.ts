import { SHARE_ENV, Worker } from "node:worker_threads";
import { CaliberError } from "../../../protocol/errors.js";
import { exitDespite } from "./exitDespite.js";
import type { NvmlAnswer, NvmlRequest, NvmlSettings } from "./messages.js";
import type { NvmlErrorCode } from "./nvmlErrors.js";
import { workerUrl } from "./workerUrl.js";

export type NvmlThread = {
  ask(request: NvmlRequest): void;
  /** Shuts NVML down and ends the thread; one that does not return is left behind. Resolves within 1 s. No callback follows. */
  stop(): Promise<void>;
};

export type ThreadListener = {
  onAnswer(answer: NvmlAnswer): void;
  /** The thread is gone without having been stopped. */
  onEnd(error: CaliberError<NvmlErrorCode>): void;
};

const stopWait_ms = 1000;

/** Starts the thread that NVML is called on. One process may have only one that does not return. */
export function startThread(settings: NvmlSettings, listener: ThreadListener): NvmlThread {
  const worker = new Worker(workerUrl, {
    workerData: settings,
    // NVML and its fakes read the environment in C: a copy for JavaScript would serve nobody.
    env: SHARE_ENV,
    // Half of this is in use with 64 GPUs and full readings alone: a small heap is collected early instead of growing.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  });
  let busy = false;
  let stopping = false;
  let failure: unknown;
  const release = exitDespite(() => busy);
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      release();
      resolve();
      if (stopping) return;
      listener.onEnd(
        new CaliberError("NVML_WORKER_FAILED", "the thread that reads NVML ended", {
          cause: failure,
          disposition: "retryable",
          ...(failure instanceof Error && { details: failure.message.slice(0, 200) }),
        }),
      );
    });
  });
  worker.on("error", (error) => {
    failure = error;
  });
  worker.on("message", (answer: NvmlAnswer) => {
    if (stopping) return;
    busy = false;
    listener.onAnswer(answer);
  });

  return {
    ask(request) {
      busy = true;
      worker.postMessage(request);
    },
    async stop() {
      stopping = true;
      busy = true;
      worker.postMessage({ ask: "close" } satisfies NvmlRequest);
      let waiting: NodeJS.Timeout | undefined;
      const enough = new Promise((resolve) => {
        waiting = setTimeout(resolve, stopWait_ms);
      });
      await Promise.race([ended, enough]);
      clearTimeout(waiting);
      // Ends it should its call return after all. terminate() takes a reference, so that comes first.
      void worker.terminate();
      worker.unref();
    },
  };
}
