import type { KeyObject } from "node:crypto";
import Database from "better-sqlite3";
import { genesisPrev } from "../../protocol/chain/chainHead.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { payloadOfPae } from "../../protocol/dsse/payloadOfPae.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { statementHash } from "../../protocol/dsse/statementHash.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { ChainBody, FindingBody, KeyBody, TickBody } from "../../protocol/log/entryBodies.js";
import type { Report } from "../../protocol/report/schema.js";

export type LoggedReport = { idx: number; statement: string; report: Report };
export type WalkedLog = {
  entries: Buffer[];
  /** By device, in order of seq. */
  reports: Map<string, LoggedReport[]>;
  minted: Extract<ChainBody, { type: "minted" }>[];
  findings: FindingBody[];
  /** Reception times of the ticks, ascending. */
  ticks: number[];
};

/** All entries of a registry's log, by a second reader of its database. */
export function readEntries(database: string): Buffer[] {
  const db = new Database(database, { readonly: true, fileMustExist: true });
  try {
    const rows = db
      .prepare<[], { idx: number; bytes: Buffer }>("SELECT idx, bytes FROM entry ORDER BY idx")
      .all();
    return rows.map(({ idx, bytes }, i) => {
      if (idx !== i) throw new Error(`entry ${i} is missing from the log`);
      return bytes;
    });
  } finally {
    db.close();
  }
}

/**
 * Walks a log without any of the registry's code: each report is signed by the key that its enrolment names, each chain
 * begins at seq 0, has every seq once, names its predecessor's statement and has windows that never overlap.
 *
 * @throws Error at the first thing that is not so.
 */
export function walkLog(entries: Buffer[]): WalkedLog {
  const keys = new Map<string, KeyObject>();
  const walked: WalkedLog = { entries, reports: new Map(), minted: [], findings: [], ticks: [] };
  const statements = new Set<string>();
  for (const [idx, bytes] of entries.entries()) {
    const entry = decodeEntry(bytes);
    if (entry.kind === "report") {
      const key = keys.get(entry.device);
      if (key === undefined) throw new Error(`entry ${idx}: device ${entry.device} was never enrolled`);
      verifyEs256(entry.pae, entry.signature, key);
      const { payloadType, payload } = payloadOfPae(entry.pae);
      if (payloadType !== payloadTypes.report) throw new Error(`entry ${idx} is no report: ${payloadType}`);
      const report = JSON.parse(payload.toString()) as Report;
      if (report.device !== entry.device) throw new Error(`entry ${idx} is filed under another device`);
      const statement = statementHash(entry.pae).toString("hex");
      if (statements.has(statement)) throw new Error(`entry ${idx}: statement ${statement} is there twice`);
      statements.add(statement);
      walked.reports.get(entry.device)!.push({ idx, statement, report });
    } else if (entry.kind === "key") {
      const body = entry.body as KeyBody;
      if (body.type !== "enrol") continue;
      for (const { device, spki } of body.devices) {
        keys.set(device, publicKeyFromSpki(Buffer.from(spki, "base64")));
        walked.reports.set(device, []);
      }
    } else if (entry.kind === "tick") walked.ticks.push((entry.body as TickBody).received_at_ms);
    else if (entry.kind === "finding") walked.findings.push(entry.body as FindingBody);
    else if (entry.kind === "chain") {
      const body = entry.body as ChainBody;
      if (body.type === "minted") walked.minted.push(body);
    }
  }
  for (const [device, chain] of walked.reports) {
    chain.sort((a, b) => a.report.seq - b.report.seq);
    walkChain(device, chain);
  }
  return walked;
}

function walkChain(device: string, chain: readonly LoggedReport[]): void {
  let prev = genesisPrev;
  let end_ms = 0;
  for (const [seq, { report, statement }] of chain.entries()) {
    const where = `device ${device}, seq ${report.seq}`;
    if (report.seq !== seq) throw new Error(`${where}: seq ${seq} was expected`);
    if (report.prev !== prev) throw new Error(`${where}: prev is not the statement before`);
    if (report.window.start_ms < end_ms) throw new Error(`${where}: its window overlaps the one before`);
    prev = statement;
    end_ms = report.window.end_ms;
  }
}
