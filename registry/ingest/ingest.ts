import { hash, verify } from "node:crypto";
import type { ChainHead } from "../../protocol/chain/chainHead.js";
import { checkTenure } from "../../protocol/chain/checkTenure.js";
import { judgeLink, type Neighbours } from "../../protocol/chain/judgeLink.js";
import { checkSignatureForm } from "../../protocol/crypto/checkSignatureForm.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { statementHash } from "../../protocol/dsse/statementHash.js";
import { CaliberError } from "../../protocol/errors.js";
import { encodeReportEntry } from "../../protocol/log/entry.js";
import type { FindingBody, RejectBody } from "../../protocol/log/entryBodies.js";
import { type RefusalCode, refusalCodes } from "../../protocol/refusal.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import type { Report } from "../../protocol/report/schema.js";
import type { Ledger } from "../log/ledger.js";
import type { BeaconBook } from "./beaconBook.js";
import type { DeviceDirectory, KnownDevice } from "./deviceDirectory.js";
import { endKey, endsKey } from "./endKey.js";
import type { Receipts } from "./receipts.js";
import type { RejectStore } from "./rejectStore.js";

export type Inbound = { host: string; device: string; payload: Buffer };

export type Ingest = {
  /** Resolves when the report, or its refusal, is durable. Never rejects for what the sender did. */
  take(message: Inbound): Promise<void>;
  counts(): IngestCounts;
};

export type IngestCounts = { kept: number; duplicates: number; refused: number };

export type IngestOptions = {
  directory: DeviceDirectory;
  beacons: BeaconBook;
  ledger: Ledger;
  receipts: Receipts;
  rejects: RejectStore;
  /** The chain's head as of the last commit, asked once a device. */
  headOf: (device: string) => ChainHead | null;
  now_ms: () => number;
  /** The record itself is at fault: nothing more may be taken in. */
  onFatal: (error: unknown) => void;
};

export const maxEnvelopeBytes = 24 * 1024;
const skew_ms = 120_000;
const longestTelemetry_ms = 10 * 60_000;

type Job = Inbound & {
  known: KnownDevice;
  signature: Buffer;
  /** The log entry that it will be, and the part of it that was signed. */
  entry: Buffer;
  signed: Buffer;
  body: Buffer;
  /** Null while the signature is being checked. */
  valid: boolean | null;
  resolve: () => void;
};

/**
 * Takes reports in, in the order of design.md: size cap → DSSE shape → signature → JSON → schema → chain rules.
 * Signatures are checked on the thread pool and finish in any order; what follows runs in order of arrival, device by
 * device, against heads in memory.
 */
export function createIngest(options: IngestOptions): Ingest {
  const { directory, beacons, ledger, receipts, rejects, now_ms } = options;
  /** By the chain's id: keys that followed one another have one head. */
  const heads = new Map<number, ChainHead | null>();
  const queues = new Map<string, Job[]>();
  const counts = { kept: 0, duplicates: 0, refused: 0 };

  const headOf = ({ id, device }: KnownDevice): ChainHead | null => {
    let head = heads.get(id);
    if (head === undefined) {
      head = options.headOf(device);
      heads.set(id, head);
    }
    return head;
  };

  const refuse = (message: Inbound, error: unknown, resolve: () => void): void => {
    // What is not a refusal is our own fault: it must not pass for the sender's, who would drop a good report.
    if (!isRefusal(error)) {
      options.onFatal(error);
      return;
    }
    counts.refused += 1;
    const { host, device, payload } = message;
    const digest = hash("sha256", payload, "hex");
    receipts.refused(host, { device, digest, code: error.code });
    const at_ms = now_ms();
    const body: RejectBody = { digest, host, device, code: error.code, at_ms };
    const keep = rejects.keep(body, payload);
    // Refused before, with the same bytes: on record already, only the answer is due.
    if (keep === null) ledger.afterCommit(resolve);
    else ledger.add("reject", body, { done: resolve, alongside: keep });
  };

  const drain = (queue: Job[]): void => {
    while (queue.length > 0 && queue[0]!.valid !== null) {
      const job = queue.shift()!;
      try {
        admit(job);
      } catch (error) {
        refuse(job, error, job.resolve);
      }
    }
  };

  const admit = (job: Job): void => {
    const { host, known, resolve } = job;
    if (job.valid !== true) {
      throw new CaliberError("SIGNATURE_INVALID", "the signature is not by this key over these bytes");
    }
    const report = parseReport(job.body);
    if (report.device !== known.device)
      throw new CaliberError("DEVICE_MISMATCH", "signed for another device");
    if (report.host !== host) throw new CaliberError("HOST_MISMATCH", "signed for another host");
    const statement = statementHash(job.signed).toString("hex");
    // The chain first: a second statement for one seq is evidence, whatever else is wrong with it.
    const verdict = judge(known, report, statement, job);
    if (verdict === "duplicate") {
      counts.duplicates += 1;
      const idx = directory.indexOf(known, report.seq)!;
      receipts.kept(host, { device: known.device, seq: report.seq, statement, idx });
      ledger.afterCommit(resolve);
      return;
    }
    checkTimes(report);
    const end = endsKey(report) ? endKey(report, statement, directory, now_ms()) : null;
    if (verdict === "head") {
      heads.set(known.id, { seq: report.seq, statement, window_end_ms: report.window.end_ms });
    }
    counts.kept += 1;
    // So that the report and the end of its key are one commit, whatever was queued before.
    if (end !== null) ledger.settle();
    ledger.addReport({ statement, report }, job.entry, (idx) => {
      if (end !== null) directory.end(known.device, end.seq, end.successor);
      receipts.kept(host, { device: known.device, seq: report.seq, statement, idx });
      resolve();
    });
    if (end === null) return;
    ledger.add("key", end.body);
    ledger.settle();
  };

  const checkTimes = (report: Report): void => {
    const { start_ms, end_ms } = report.window;
    if (end_ms > now_ms() + skew_ms)
      throw new CaliberError("WINDOW_IN_FUTURE", "the window ends after it arrived");
    if (report.kind === "telemetry" && end_ms - start_ms > longestTelemetry_ms) {
      throw new CaliberError("WINDOW_TOO_LONG", "a telemetry window lasts ten minutes at most");
    }
    beacons.check(report.beacon, end_ms);
    // The one that its GPU signed: it was in hand before the report was.
    if (report.kind === "evidence") beacons.check(report.body.beacon, end_ms);
  };

  const judge = (
    known: KnownDevice,
    report: Report,
    statement: string,
    job: Job,
  ): "head" | "fill" | "duplicate" => {
    const { seq, prev, window } = report;
    try {
      checkTenure(seq, known.tenure);
      const link = judgeLink(headOf(known), { seq, prev, window, statement }, neighboursOf(known));
      if (link.verdict === "fill" && endsKey(report)) {
        throw new CaliberError(
          "PREV_MISMATCH",
          "the report that ends a key is its last, and there are later ones",
        );
      }
      if (link.verdict === "duplicate" || link.verdict === "fill") return link.verdict;
      return "head";
    } catch (error) {
      if (CaliberError.find(error, "EQUIVOCATION") ?? CaliberError.find(error, "PREV_MISMATCH")) {
        find(known, report, statement, job, error as CaliberError);
      }
      throw error;
    }
  };

  /** Old places of a chain are asked of the tables; only one that is not in them may be on its way there. */
  const neighboursOf =
    (known: KnownDevice) =>
    (seq: number): Neighbours => {
      const stored = directory.neighbours(known, seq);
      if (stored.at !== null) return stored;
      ledger.settle();
      return directory.neighbours(known, seq);
    };

  /** Two signed statements that cannot both be honest: both sides go into the log, whole. */
  const find = (
    known: KnownDevice,
    report: Report,
    statement: string,
    job: Job,
    error: CaliberError,
  ): void => {
    const keep = rejects.keepConflict(statement, job.host, now_ms());
    if (keep === null) return;
    const first = directory.indexOf(known, report.seq);
    const body: FindingBody = {
      code: error.code,
      device: known.device,
      at_ms: now_ms(),
      sides: [
        ...(first === null ? [] : [`entry:${first}`]),
        `statement:${statement}`,
        `signature:${job.signature.toString("hex")}`,
        `pae:${job.signed.toString("base64")}`,
      ],
      text: error.message,
    };
    ledger.add("finding", body, { alongside: keep });
  };

  const begin = (message: Inbound, resolve: () => void): void => {
    try {
      const job = open(message, directory, resolve);
      let queue = queues.get(message.device);
      if (queue === undefined) {
        queue = [];
        queues.set(message.device, queue);
      }
      queue.push(job);
      const own = queue;
      const key = { key: job.known.key, dsaEncoding: "ieee-p1363" } as const;
      verify("sha256", job.signed, key, job.signature, (error, valid) => {
        job.valid = error === null && valid;
        drain(own);
      });
    } catch (error) {
      refuse(message, error, resolve);
    }
  };

  /** What a host sent before and is still being checked: one of them may name the key that another report is by. */
  const lastUnderWay = (host: string): Job[] =>
    [...queues.values()].flatMap((queue) => {
      const last = queue.at(-1);
      return last?.host === host ? [last] : [];
    });

  return {
    counts: () => ({ ...counts }),
    take: (message) =>
      new Promise<void>((resolve) => {
        const before = directory.find(message.device) === undefined ? lastUnderWay(message.host) : [];
        if (before.length === 0) begin(message, resolve);
        let left = before.length;
        for (const job of before) {
          const done = job.resolve;
          job.resolve = () => {
            done();
            left -= 1;
            if (left === 0) begin(message, resolve);
          };
        }
      }),
  };
}

const refusals: ReadonlySet<string> = new Set(refusalCodes);

function isRefusal(error: unknown): error is CaliberError<RefusalCode> {
  return error instanceof CaliberError && refusals.has(error.code);
}

/** Everything that can be said of a message before its signature is checked. */
function open(message: Inbound, directory: DeviceDirectory, resolve: () => void): Job {
  const { host, device, payload } = message;
  if (payload.length > maxEnvelopeBytes) {
    throw new CaliberError("TOO_LARGE", `an envelope has ${maxEnvelopeBytes} bytes at most`);
  }
  const envelope = parseEnvelope(payload);
  if (envelope.payloadType !== payloadTypes.report) {
    throw new CaliberError("PAYLOAD_TYPE_UNKNOWN", "not a report");
  }
  const known = directory.find(device);
  if (known === undefined) throw new CaliberError("DEVICE_UNKNOWN", "no such device is enrolled");
  if (known.host !== host)
    throw new CaliberError("DEVICE_NOT_OF_HOST", "the device is enrolled with another host");
  checkSignatureForm(envelope.signature);
  const { entry, pae } = encodeReportEntry(device, envelope);
  // Spelled out: V8 makes a new hidden class for each object that is spread and added to, 10 µs a report.
  return {
    host,
    device,
    payload,
    known,
    signature: envelope.signature,
    entry,
    signed: pae,
    body: envelope.payload,
    valid: null,
    resolve,
  };
}
