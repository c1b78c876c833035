import { parentPort, workerData } from "node:worker_threads";
import { type NvmlEvidenceQuestion, readNvmlEvidence } from "./readNvmlEvidence.js";

/** A thread for one question: nothing keeps it alive after its answer. */
parentPort!.postMessage(readNvmlEvidence(workerData as NvmlEvidenceQuestion));
