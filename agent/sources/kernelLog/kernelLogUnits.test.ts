import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFaultReader } from "./createFaultReader.js";
import { createFaultTally } from "./createFaultTally.js";
import { lineTime } from "./lineTime.js";
import { parseJournalLine } from "./parseJournalLine.js";
import { parseKmsgRecord } from "./parseKmsgRecord.js";
import { readSavedKernelLog } from "./readSavedKernelLog.js";

const uuid = "GPU-b6c3b2be-c55b-d076-fa0e-d464e4c7e08b";
const gpu = { uuid: null, bus_id: "00000000:91:00.0" };

describe("parseKmsgRecord", () => {
  it("reads number, time and text, and undoes the escapes", () => {
    expect(
      parseKmsgRecord(
        "3,4010,57631398464,-;NVRM: The NVIDIA GPU\\x0aNVRM: fallen \\x5c\n SUBSYSTEM=pci\n DEVICE=+x\n",
      ),
    ).toEqual({ seq: 4010, at_us: 57_631_398_464, text: "NVRM: The NVIDIA GPU\nNVRM: fallen \\" });
  });
  it("takes no record that a program wrote: facility 0 is the kernel's alone", () => {
    expect(parseKmsgRecord("11,7,1,-;NVRM: Xid (PCI:0000:91:00): 79")).toBeNull();
    expect(parseKmsgRecord("7,7,1,-,caller=T1;x")).toMatchObject({ text: "x" });
  });
  it("never throws, and takes only what has all of its parts", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (raw) => {
        const record = parseKmsgRecord(raw);
        if (record !== null) expect(raw).toMatch(/^\d+,\d+,\d+,[^;]*;/);
      }),
    );
    for (const raw of ["", "6,1", "6,1,2,-", "-6,1,2,-;x", "6,,2,-;x"])
      expect(parseKmsgRecord(raw)).toBeNull();
  });
});

describe("createFaultReader", () => {
  it("joins a message over three lines, although others come between", () => {
    const read = createFaultReader();
    expect(read("NVRM: The NVIDIA GPU 0000:91:00.0")).toBeNull();
    expect(read("NVRM: (PCI ID: 10de:2330) installed in this system has")).toBeNull();
    expect(read("eth0: link up")).toBeNull();
    expect(read("NVRM: fallen off the bus and is not responding to commands.")).toEqual({
      gpu,
      xid: null,
      detail: "GPU has fallen off the bus",
    });
    expect(read("NVRM: fallen off the bus and is not responding to commands.")).toBeNull();
  });
  it("does not join lines that are far apart", () => {
    const read = createFaultReader();
    read("NVRM: The NVIDIA GPU 0000:91:00.0");
    for (let line = 0; line < 20; line++) read("eth0: link up");
    expect(read("NVRM: fallen off the bus and is not responding to commands.")).toBeNull();
  });
  it("names the UUID that the driver gave the address last", () => {
    const read = createFaultReader();
    expect(read("NVRM: Xid (PCI:0000:91:00): 62")).toMatchObject({ gpu });
    read(`NVRM: GPU at PCI:0000:91:00: ${uuid}`);
    expect(read("NVRM: Xid (PCI:0000:91:00): 62")).toMatchObject({ gpu: { ...gpu, uuid } });
  });
});

describe("createFaultTally", () => {
  it("makes a storm of 800,000 lines 29 events, with their counts and spans", () => {
    const read = createFaultReader();
    const tally = createFaultTally();
    const started = process.cpuUsage();
    for (let n = 0; n < 800_000; n++) {
      tally.add(read(`NVRM: Xid (PCI:0000:91:00): ${(n % 29) + 64}, pid=${n}, name=x, e ${n}`)!, n);
    }
    const { user } = process.cpuUsage(started);
    const told = tally.take();
    expect(told).toHaveLength(29);
    expect(told.reduce((sum, { event }) => sum + event.count, 0)).toBe(800_000);
    expect(told[0]!.event).toMatchObject({ xid: 79, severity: "lost", first_ms: 15, last_ms: 799_980 });
    expect(told[0]!.event.detail).toBe("e 15");
    expect(tally.take()).toEqual([]);
    // Some microseconds a line; a quadratic reader would take hours.
    expect(user).toBeLessThan(20_000_000);
  });
  it("keeps apart what the words make different, and tells the worst first", () => {
    const tally = createFaultTally();
    const changed = (to: string) => `GPU recovery action changed from 0x0 (None) to ${to}`;
    tally.add({ gpu, xid: 154, detail: changed("0x0 (None)") }, 1);
    tally.add({ gpu, xid: 154, detail: changed("0x1 (GPU Reset Required)") }, 2);
    expect(tally.take().map(({ event }) => event.severity)).toEqual(["impaired", "info"]);
  });
  it("tells one fall once: not again in plain words when an Xid 79 told it", () => {
    const tally = createFaultTally();
    const fall = { gpu, xid: null, detail: "GPU has fallen off the bus" };
    tally.add({ gpu, xid: 79, detail: null }, 1000);
    tally.add(fall, 2000);
    tally.add({ ...fall, gpu: { uuid: null, bus_id: "00000000:92:00.0" } }, 2000);
    tally.add(fall, 100_000);
    expect(tally.take().map(({ event: { xid, count } }) => [xid, count])).toEqual([
      [79, 1],
      [null, 1],
      [null, 1],
    ]);
  });
});

describe("saved logs", () => {
  it("reads times where a line has one", () => {
    expect(lineTime("2025-02-23T16:24:18,123456+01:00 NVRM: x")).toBe(Date.UTC(2025, 1, 23, 15, 24, 18, 123));
    expect(lineTime("2025-02-23T16:24:18Z host kernel: x")).toBe(Date.UTC(2025, 1, 23, 16, 24, 18));
    expect(lineTime("2025-02-23T16:24:18.5+0100 host kernel: x")).toBe(
      Date.UTC(2025, 1, 23, 15, 24, 18, 500),
    );
    expect(lineTime("[Sun Feb 23 16:24:18 2025] x")).toBe(new Date(2025, 1, 23, 16, 24, 18).getTime());
    for (const undated of [
      "[ 1108.858286] x",
      "Feb 23 16:24:18 host kernel: x",
      "2025-99-99T99:99:99Z x",
      "x",
    ]) {
      expect(lineTime(undated)).toBeNull();
    }
  });
  it("reads the journal's JSON, texts and lists of bytes", () => {
    expect(parseJournalLine('{"MESSAGE":"NVRM: x","__REALTIME_TIMESTAMP":"1740327858123456"}')).toEqual({
      text: "NVRM: x",
      at_ms: 1_740_327_858_123,
    });
    expect(parseJournalLine('{"MESSAGE":[78,86,233]}')).toEqual({ text: "NVé", at_ms: null });
    for (const none of ["", "{", "null", "[]", '{"MESSAGE":null}', '{"MESSAGE":7}']) {
      expect(parseJournalLine(none)).toBeNull();
    }
  });
  it("tells every telling of dmesg, kmsg and journal in one file, and says which are dated", () => {
    const text = [
      `[Sun Feb 23 16:24:18 2025] NVRM: GPU at PCI:0000:91:00: ${uuid}`,
      "[Sun Feb 23 16:24:18 2025] NVRM: Xid (PCI:0000:91:00): 48, DBE",
      "3,1,99,-;NVRM: Xid (PCI:0000:91:00): 79, GPU has fallen off the bus.",
      '{"MESSAGE":"NVRM: Xid (PCI:0000:92:00): 31, pid=1","__REALTIME_TIMESTAMP":"1740327858123456"}',
      "garbage NVRM: garbage",
    ].join("\n");
    expect(
      Array.from(readSavedKernelLog(text, 5), ({ gpu, event, dated }) => [
        gpu,
        event.xid,
        event.first_ms,
        dated,
      ]),
    ).toEqual([
      [{ uuid, bus_id: "00000000:91:00.0" }, 48, new Date(2025, 1, 23, 16, 24, 18).getTime(), true],
      [{ uuid, bus_id: "00000000:91:00.0" }, 79, 5, false],
      [{ uuid: null, bus_id: "00000000:92:00.0" }, 31, 1_740_327_858_123, true],
    ]);
  });
});
