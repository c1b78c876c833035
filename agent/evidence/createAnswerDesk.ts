import type { Logger } from "pino";
import type { ChallengeBody } from "../../protocol/down/downMessage.js";
import { CaliberError } from "../../protocol/errors.js";
import { evidenceNonce } from "../../protocol/evidence/evidenceNonce.js";
import type { Beacon, EvidenceReport } from "../../protocol/report/schema.js";
import type { AskedGpu, EvidenceCollector } from "./evidenceCollector.js";
import { siliconOf } from "./siliconOf.js";

export type AnswerDeskOptions = {
  collector: EvidenceCollector;
  log_origin: string;
  now_ms: () => number;
  /** What a device's GPU is, and what it may sign next to; null for one that cannot answer now. */
  facts: (device: string) => { gpu: AskedGpu; chain_head: string; beacon: Beacon | null } | null;
  /** Takes an answer into the device's chain. `strong_identity` is the GPU's that gave it. */
  answered: (device: string, body: EvidenceReport["body"], strong_identity: string) => void;
  log: Logger;
};

export type AnswerDesk = {
  /** Queues a challenge that is good until `expires_ms`. Returns at once. */
  take(challenge: Pick<ChallengeBody, "device" | "challenge">, expires_ms: number): void;
  /** Nothing is answered any more; a collector at work is stopped. */
  close(): void;
};

type Waiting = { device: string; challenge: string; expires_ms: number; asked_ms: number };

/** More than a host has devices. */
const longestQueue = 64;
/** NVML's buffers: what is larger is no evidence, and would not fit an envelope. */
const maxReport_bytes = 8192;
const maxChain_chars = 5120;

/**
 * Answers challenges, one after the other and beside everything else: collecting takes seconds, and a GPU that hangs must not
 * keep telemetry waiting.
 */
export function createAnswerDesk(options: AnswerDeskOptions): AnswerDesk {
  const { collector, log_origin, now_ms, facts, answered, log } = options;
  const queue: Waiting[] = [];
  const stop = new AbortController();
  const told = new Set<string>();
  let busy = false;

  const answer = async ({ device, challenge, expires_ms, asked_ms }: Waiting): Promise<void> => {
    const known = facts(device);
    if (known === null || now_ms() >= expires_ms) return;
    const { gpu, chain_head, beacon } = known;
    const nonce = evidenceNonce({ log_origin, device_id: device, beacon, challenge, chain_head });
    const evidence = await collector.collect(nonce, gpu, stop.signal);
    if (stop.signal.aborted || now_ms() >= expires_ms) return;
    const chain = plainPem(evidence.chain);
    const { report } = evidence;
    if (report.length > maxReport_bytes || chain.length > maxChain_chars) {
      throw new CaliberError(
        "COLLECTOR_FAILED",
        `${report.length} bytes and ${chain.length} characters of evidence`,
      );
    }
    const { strong_identity } = siliconOf(chain);
    const body: EvidenceReport["body"] = {
      challenge,
      chain_head,
      beacon,
      report: Buffer.from(report).toString("base64"),
      chain,
      collector: evidence.collector,
      asked_ms,
      collected_ms: now_ms(),
    };
    answered(device, body, strong_identity);
  };

  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let next = queue.shift(); next !== undefined && !stop.signal.aborted; next = queue.shift()) {
      try {
        await answer(next);
      } catch (error) {
        if (!(error instanceof CaliberError)) throw error;
        const { code, message: why } = error;
        // A GPU that cannot is asked for years: once is enough to say so.
        log[told.has(code) ? "debug" : "warn"](
          { device: next.device, code, why },
          "a challenge has no answer",
        );
        told.add(code);
      }
    }
    busy = false;
  };

  return {
    take({ device, challenge }, expires_ms) {
      if (stop.signal.aborted || queue.length >= longestQueue) return;
      queue.push({ device, challenge, expires_ms, asked_ms: now_ms() });
      void work();
    },
    close: () => stop.abort(),
  };
}

/** As a report carries it: lines end in LF alone. */
function plainPem(chain: string): string {
  return `${chain.replaceAll("\r", "").trim()}\n`;
}
