import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classifyXid } from "../../../protocol/xid/classifyXid.js";
import { parseXidLine } from "./parseXidLine.js";

const dir = process.env.CALIBER_SAMPLES ?? "../shared/samples";
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";
const linesOf = (name: string) => readFileSync(`${dir}/${name}`, "utf8").split("\n");

const uuid = "GPU-b6c3b2be-c55b-d076-fa0e-d464e4c7e08b";
const at18 = { uuid: null, bus_id: "00000000:18:00.0" };
const fault = (xid: number | null, detail: string | null, gpu: object = at18) => ({
  kind: "fault",
  gpu,
  xid,
  detail,
});

describe("parseXidLine", () => {
  it.each([
    ["NVRM: Xid (PCI:0000:18:00): 79, GPU has fallen off the bus.", 79, "GPU has fallen off the bus."],
    ["NVRM: Xid (PCI:0000:18:00.0): 48", 48, null],
    ["NVRM: Xid (0000:18:00): 14, Channel 00000001", 14, "Channel 00000001"],
    ["NVRM: Xid (PCI:00000000:18:00.0): 63, Row remapping", 63, "Row remapping"],
    ["NVRM: Xid (PCI:0000:18:00 GPU-I:05): 94, pid=7194, Contained: CE", 94, "Contained: CE"],
    ["NVRM: Xid (PCI:0000:18:00 GPU-I:05 GPU-CI:00): 31, pid=7, name=a, MMU Fault", 31, "MMU Fault"],
    ["[ 1108.858286] NVRM: Xid (PCI:0000:18:00): 79, pid=1234, name=nv-hostengine", 79, null],
    ["<3>[12.5] NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["kern  :err   : [12.5] NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["Feb  3 16:24:18 node-7 kernel: NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["Feb 23 16:24:18 node-7 kernel: [ 9.1] NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["2025-02-23T16:24:18.123456+00:00 node-7 kernel: NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["2025-02-23T16:24:18,123456+01:00 NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["[Sun Feb 23 16:24:18 2025] NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["[  12.5] node-7 kernel: NVRM: Xid (PCI:0000:18:00): 46", 46, null],
    ["NVRM: Xid (PCI:0000:18:00): 74, pid='<unknown>', name=<unknown>, NVLink: fatal", 74, "NVLink: fatal"],
    ["NVRM: Xid (PCI:0000:18:00): 74, pid='", 74, null],
  ])("%s", (line, xid, detail) => expect(parseXidLine(line)).toEqual(fault(xid, detail)));

  it("reads an Xid told by UUID, and which UUID is behind an address", () => {
    expect(parseXidLine(`NVRM: Xid (${uuid}): 79, gone`)).toEqual(fault(79, "gone", { uuid, bus_id: null }));
    expect(parseXidLine(`NVRM: GPU at PCI:0000:91:00: ${uuid}`)).toEqual({
      kind: "name",
      uuid,
      bus_id: "00000000:91:00.0",
    });
    expect(parseXidLine(`NVRM: GPU at 0000:91:00.0: ${uuid.toUpperCase()}`)).toMatchObject({ uuid });
  });

  it("reads a GPU that fell off the bus without an Xid, also over three lines", () => {
    const words = "GPU has fallen off the bus";
    expect(parseXidLine("NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.")).toEqual(fault(null, words));
    expect(parseXidLine("NVRM: GPU 18:00.0: GPU has fallen off the bus.")).toEqual(fault(null, words));
    expect(
      parseXidLine("NVRM: The NVIDIA GPU 0000:18:00.0 fallen off the bus and is not responding to commands."),
    ).toEqual(fault(null, words));
    expect(parseXidLine("NVRM: The NVIDIA GPU 0000:18:00.0")).toEqual({
      kind: "about",
      bus_id: "00000000:18:00.0",
    });
    expect(parseXidLine("NVRM: fallen off the bus and is not responding to commands.")).toEqual({
      kind: "fallen",
    });
  });

  it.each([
    "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore MCTO",
    "NVRM: SXid (PCI:0000:c1:00.0): 12028, Fatal, Link 44",
    "NVRM: Xid (invalid): some error",
    "NVRM: Xid (PCI:0000:18:00): 99999, unknown error",
    "NVRM: Xid (PCI:0000:18:00): 123456789",
    "NVRM: Xid (PCI:0000:18:00): seventy-nine",
    "NVRM: Xid (PCI:0000:18:20): 79",
    "NVRM: GPU at PCI:0000:00:08.0: GPU-123",
    "NVRM: GPU 0000:91:00.0: GPU serial number is 1653723052734.",
    "NVRM: Rate limiting GSP RPC error prints for GPU at PCI:0000:9b:00 (printing 1 of every 30).",
    "usb 1-1: product NVRM: Xid (PCI:0000:18:00): 79",
    "Feb 23 16:24:18 node-7 logger: evil kernel: NVRM: Xid (PCI:0000:18:00): 79",
    "Feb 23 16:24:18 node-7 sudo[7]: NVRM: Xid (PCI:0000:18:00): 79",
    "",
  ])("no fault: %s", (line) => expect(parseXidLine(line)).toBeNull());

  it("keeps a tenant's process to itself", () => {
    const line = (name: string) =>
      `NVRM: Xid (PCI:0000:18:00): 13, pid=77, name=${name}, Graphics Exception: x`;
    for (const name of ["python3", "a, b", "nvc:[driver]", "x, Fatal, y", "ray::WorkerDict"]) {
      expect(parseXidLine(line(name))).toEqual(fault(13, "Graphics Exception: x"));
    }
  });

  it("cuts the driver's words to 200 printable characters", () => {
    const read = parseXidLine(`NVRM: Xid (PCI:0000:18:00): 62, ${"é\t\u0000".repeat(50)}${"x".repeat(5000)}`);
    expect(read).toMatchObject({
      kind: "fault",
      xid: 62,
      detail: expect.stringMatching(/^[\x20-\x7e]{1,200}$/),
    });
  });

  describe.skipIf(skip)("recorded lines", () => {
    const lines = skip ? [] : linesOf("xid/xid-lines.txt").filter((line) => line !== "");

    it("classifies every one that names an Xid and an address", () => {
      let faults = 0;
      for (const line of lines) {
        const [, address, xid] = /NVRM: Xid \((?:PCI:)?([0-9a-f:.]+)\): (\d+)/.exec(line) ?? [];
        if (address === undefined || Number(xid) > 65_535) continue;
        faults++;
        const bus_id = `0000${address.includes(".") ? address : `${address}.0`}`;
        const read = parseXidLine(line);
        expect(read, line).toMatchObject({ kind: "fault", gpu: { uuid: null, bus_id }, xid: Number(xid) });
        const { severity, resolution } = classifyXid(
          Number(xid),
          read?.kind === "fault" ? read.detail : null,
        );
        expect(severity, line).toMatch(/^(info|watch|impaired|lost)$/);
        if (Number(xid) !== 999) expect(resolution, line).not.toBeNull();
        if (/fallen off/.test(line) || xid === "79") expect(severity, line).toBe("lost");
        if (/\bFatal\b|Drain and Reset\) to|to 0x4/.test(line)) expect(severity, line).toBe("impaired");
        if (/\bNonfatal\b/.test(line)) expect(severity, line).toBe("watch");
      }
      expect(faults).toBe(97);
    });

    it("finds the mapping lines, the falls without an Xid, and nothing in the rest", () => {
      const kinds = lines.map((line) => {
        const read = parseXidLine(line);
        return read?.kind === "fault" && read.xid === null ? "fall" : (read?.kind ?? "nothing");
      });
      const count = (kind: string) => kinds.filter((one) => one === kind).length;
      expect({ fall: count("fall"), name: count("name"), nothing: count("nothing") }).toEqual({
        fall: 3,
        name: 6,
        nothing: 12,
      });
    });

    it("reads a whole dmesg: five Xid 119 of one GPU, and its UUID", () => {
      const read = linesOf("kernel-log/dmesg-with-xid-119.log").flatMap((line) => parseXidLine(line) ?? []);
      expect(read.filter(({ kind }) => kind === "fault")).toHaveLength(5);
      for (const one of read) {
        if (one.kind !== "fault") continue;
        expect(one).toMatchObject({ gpu: { bus_id: "00000000:9b:00.0" }, xid: 119 });
        expect(one.detail).toMatch(/^Timeout after 6s of waiting for RPC response from GPU4 GSP!/);
      }
      expect(read[0]).toMatchObject({ kind: "name", uuid: "GPU-509665ad-b600-ac93-3616-d754b23d636d" });
      expect(linesOf("kernel-log/kmsg.1.log").flatMap((line) => parseXidLine(line) ?? [])).toEqual([]);
    });
  });

  it("never throws or hangs on damaged lines, and never makes up a GPU or an Xid", () => {
    const whole =
      "[449410.332316] NVRM: Xid (PCI:0003:00:00): 74, pid='<unknown>', name=<unknown>, NVLink: fatal";
    const damaged = fc
      .tuple(fc.nat(whole.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 30 }))
      .map(([at, cut, put]) => whole.slice(0, at) + put + whole.slice(at + cut));
    const started = performance.now();
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string()), (line) => {
        const read = parseXidLine(line);
        if (read?.kind !== "fault") return;
        expect(read.gpu.bus_id ?? read.gpu.uuid).not.toBeNull();
        if (read.xid !== null) expect(line).toContain(`): ${read.xid}`.slice(0, 3));
        if (read.xid !== null) expect(line).toMatch(new RegExp(`\\): 0*${read.xid}(?!\\d)`));
      }),
      { numRuns: 2000 },
    );
    for (const flood of ["[".repeat(1e5), `NVRM: Xid (${"PCI:".repeat(1e5)}`, "kernel: ".repeat(1e5)]) {
      expect(parseXidLine(flood)).toBeNull();
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
