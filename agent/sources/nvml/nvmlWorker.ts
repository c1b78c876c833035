import { parentPort, workerData } from "node:worker_threads";
import { createSession } from "./createSession.js";
import type { NvmlRequest, NvmlSettings } from "./messages.js";

/** The thread that NVML is called on. It answers each question once, in order, and imports as little as it can. */
const session = createSession(workerData as NvmlSettings);
parentPort!.on("message", (request: NvmlRequest) => {
  if (request.ask === "close") {
    session.close();
    // Nothing keeps the thread alive after that.
    parentPort!.close();
    return;
  }
  parentPort!.postMessage(session.round(request));
});
