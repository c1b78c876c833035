import { hash } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { genesisPrev } from "../../protocol/chain/chainHead.js";
import { refusalCodes } from "../../protocol/refusal.js";
import { createSpool } from "./createSpool.js";
import { incurableRefusals } from "./incurableRefusals.js";
import { openSpoolDatabase } from "./openSpoolDatabase.js";
import type { Spool, SpoolItem } from "./spool.js";

const sha = (text: string): string => hash("sha256", text, "hex");
const a = sha("device a");
const b = sha("device b");
const limits = { max_reports: 1000, max_report_bytes: 1_000_000, max_sample_bytes: 1000 };
let directory: string;
let spool: Spool;
const open = (over: Partial<typeof limits> = {}): Spool =>
  createSpool(openSpoolDatabase(join(directory, "spool.db")), { ...limits, ...over });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-spool-"));
  spool = open();
});
afterEach(() => {
  spool.close();
  rmSync(directory, { recursive: true });
});

const item = (device: string, seq: number, over: Partial<SpoolItem> = {}): SpoolItem => ({
  kind: "telemetry",
  statement: sha(`${device} ${seq}`),
  envelope: Buffer.from(`envelope ${device} ${seq}`),
  start_ms: seq * 10,
  end_ms: seq * 10 + 10,
  told_from: null,
  leaves: null,
  ...over,
});
const append = (device: string, over: Partial<SpoolItem> = {}): void =>
  spool.append(device, ({ seq }) => item(device, seq, over));
const kept = (device: string, seq: number, idx: number) => ({
  device,
  seq,
  statement: sha(`${device} ${seq}`),
  idx,
});

describe("createSpool", () => {
  it("links a chain from genesis and keeps its head across a restart", () => {
    const links: unknown[] = [];
    for (let n = 0; n < 2; n++) {
      spool.append(a, (link) => {
        links.push(link);
        return item(a, link.seq);
      });
    }
    expect(links).toEqual([
      { seq: 0, prev: genesisPrev, window_end_ms: null },
      { seq: 1, prev: sha(`${a} 0`), window_end_ms: 10 },
    ]);
    spool.close();
    spool = open();
    expect(spool.head(a)).toEqual({ seq: 1, statement: sha(`${a} 1`), window_end_ms: 20 });
    expect(spool.head(b)).toBeNull();
    expect(statSync(join(directory, "spool.db")).mode & 0o777).toBe(0o600);
  });

  it("leaves no trace of a report whose signing failed", () => {
    append(a);
    expect(() =>
      spool.append(a, () => {
        throw new Error("no key");
      }),
    ).toThrow("no key");
    expect(spool.head(a)?.seq).toBe(0);
    expect(spool.depth()).toMatchObject({ waiting: 1, reports: 1 });
  });

  it("gives what waits in the order of signing", () => {
    append(a);
    append(b);
    append(a);
    const [first, ...rest] = spool.waitingAfter(0, 10);
    expect([first, ...rest].map((report) => [report?.device, report?.seq])).toEqual([
      [a, 0],
      [b, 0],
      [a, 1],
    ]);
    expect(spool.waitingAfter(first?.id ?? 0, 1)).toEqual([rest[0]]);
  });

  it("never gives an id twice, also when everything before was deleted", () => {
    append(a);
    const [first] = spool.waitingAfter(0, 1);
    spool.settle({ kept: [kept(a, 0, 0)], refused: [] });
    expect(spool.forgetBelow(1)).toBe(1);
    append(a);
    expect(spool.waitingAfter(first!.id, 1)).toMatchObject([{ seq: 1 }]);
  });

  it("takes a receipt for what it names, and ignores a statement that it never signed", () => {
    append(a);
    append(a);
    const taken = spool.settle({
      kept: [kept(a, 0, 7), kept(b, 0, 8), { ...kept(a, 1, 9), statement: sha("another") }],
      refused: [],
    });
    expect(taken).toEqual({ kept: 1, refused: [] });
    expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([1]);
  });

  it("drops a refused report from the queue, by the digest of its envelope", () => {
    append(a);
    append(a);
    const digest = hash("sha256", Buffer.from(`envelope ${a} 0`), "hex");
    const refusal = { device: a, digest, code: "WINDOW_OVERLAP" };
    expect(spool.settle({ kept: [], refused: [refusal, { ...refusal, device: b }] }).refused).toEqual([
      { device: a, seq: 0, kind: "telemetry", code: "WINDOW_OVERLAP", dropped: true },
    ]);
    expect(spool.head(a)?.seq).toBe(1);
    expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([1]);
  });

  it("deletes for every refusal that stands, and for no other", () => {
    const curable = refusalCodes.filter((code) => !incurableRefusals.has(code));
    expect(curable).toEqual(["DEVICE_UNKNOWN", "WINDOW_IN_FUTURE", "BEACON_UNKNOWN"]);
  });

  const refuse = (seq: number, code: string) => {
    const digest = hash("sha256", Buffer.from(`envelope ${a} ${seq}`), "hex");
    return spool.settle({ kept: [], refused: [{ device: a, digest, code }] }).refused;
  };

  it.each(["DEVICE_UNKNOWN", "WINDOW_IN_FUTURE", "BEACON_UNKNOWN", "A_CODE_OF_TOMORROW"])(
    "sets a report aside that was refused with %s, also across a restart, until it is released",
    (code) => {
      append(a);
      append(a);
      expect(refuse(0, code)).toMatchObject([{ seq: 0, code, dropped: false }]);
      expect(refuse(0, code)).toHaveLength(1);
      spool.close();
      spool = open();
      expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([1]);
      expect(spool.depth()).toMatchObject({ waiting: 1, reports: 2 });
      expect(spool.releaseAside()).toBe(1);
      expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([0, 1]);
      expect(spool.depth()).toMatchObject({ waiting: 2, reports: 2 });
      expect(spool.releaseAside()).toBe(0);
    },
  );

  it("takes a receipt, or a refusal for good, for a report that was set aside", () => {
    append(a);
    append(a);
    refuse(0, "BEACON_UNKNOWN");
    refuse(1, "BEACON_UNKNOWN");
    spool.settle({ kept: [kept(a, 0, 3)], refused: [] });
    expect(refuse(1, "EQUIVOCATION")).toMatchObject([{ dropped: true }]);
    expect(spool.releaseAside()).toBe(0);
    expect(spool.depth()).toMatchObject({ waiting: 0, reports: 1 });
    expect(spool.unsettleAbove(a, -1)).toBe(1);
    expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([0]);
  });

  it("when full lets go of what was set aside as of the others, and says so", () => {
    spool.close();
    spool = open({ max_reports: 20 });
    for (let n = 0; n < 21; n++) append(a);
    refuse(0, "DEVICE_UNKNOWN");
    expect(spool.makeRoom()).toEqual([{ device: a, from_seq: 0, to_seq: 1, from_ms: 0, to_ms: 20 }]);
    expect(spool.releaseAside()).toBe(0);
    expect(spool.depth()).toMatchObject({ waiting: 19, reports: 19 });
  });

  it("deletes only what is receipted and below an anchored size", () => {
    for (let n = 0; n < 3; n++) append(a);
    spool.settle({ kept: [kept(a, 0, 4), kept(a, 1, 5)], refused: [] });
    expect(spool.forgetBelow(5)).toBe(1);
    expect(spool.depth()).toMatchObject({ reports: 2, waiting: 1 });
    expect(spool.statementAt(a, 0)).toBeNull();
    expect(spool.statementAt(a, 1)).toBe(sha(`${a} 1`));
  });

  it("sends again what a restored registry has lost", () => {
    for (let n = 0; n < 3; n++) append(a);
    spool.settle({ kept: [kept(a, 0, 4), kept(a, 1, 5), kept(a, 2, 6)], refused: [] });
    expect(spool.unsettleAbove(a, 0)).toBe(2);
    expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(spool.depth().waiting).toBe(2);
  });

  it("when full lets receipted reports go first and silently, then the oldest, and says which", () => {
    spool.close();
    spool = open({ max_reports: 20 });
    for (let n = 0; n < 10; n++) append(a);
    for (let n = 0; n < 11; n++) append(b);
    spool.settle({ kept: [kept(b, 0, 1)], refused: [] });
    expect(spool.makeRoom()).toEqual([{ device: a, from_seq: 0, to_seq: 0, from_ms: 0, to_ms: 10 }]);
    expect(spool.statementAt(b, 0)).toBeNull();
    expect(spool.depth().reports).toBe(19);
    expect(spool.makeRoom()).toEqual([]);
  });

  it("hands on what a dropped overflow gap told", () => {
    spool.close();
    spool = open({ max_reports: 4 });
    spool.setHead(a, { seq: 9, statement: sha(`${a} 9`), window_end_ms: 100 });
    append(a, { kind: "gap", told_from: 3 });
    for (let n = 0; n < 4; n++) append(a);
    expect(spool.makeRoom()).toEqual([{ device: a, from_seq: 3, to_seq: 11, from_ms: 100, to_ms: 120 }]);
  });

  it("bounds the samples kept for openings, oldest out first", () => {
    for (let n = 0; n < 3; n++) append(a, { leaves: Buffer.alloc(400, n) });
    expect(spool.leaves(a, 0)).toBeNull();
    expect(spool.leaves(a, 2)).toEqual(Buffer.alloc(400, 2));
  });

  it("knows its own inventories, also after the report itself is gone", () => {
    append(a, { kind: "inventory" });
    append(a);
    spool.settle({ kept: [kept(a, 0, 0), kept(a, 1, 1)], refused: [] });
    spool.forgetBelow(2);
    expect(spool.isOwnInventory(a, sha(`${a} 0`))).toBe(true);
    expect(spool.isOwnInventory(a, sha(`${a} 1`))).toBe(false);
    expect(spool.isOwnInventory(b, sha(`${a} 0`))).toBe(false);
  });

  it("commits all of a transaction or nothing", () => {
    expect(() =>
      spool.transaction(() => {
        spool.setMeta("down_seq", "5");
        append(a);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(spool.meta("down_seq")).toBeNull();
    expect(spool.head(a)).toBeNull();
    expect(spool.depth()).toEqual({ waiting: 0, reports: 0, report_bytes: 0 });
  });
});
