import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Io } from "../../io.js";
import { run as doctor } from "./doctor.js";
import { run as scan } from "./scan.js";

let directory: string;
let out: string;
const io: Io = {
  out: (text) => {
    out += text;
  },
  err: () => undefined,
};
const nothing = ["--source", "nvidia-smi", "--nvidia-smi", "/nowhere/nvidia-smi", "--dcgm", "off"];
const alone = [...nothing, "--kernel-log", "off"];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-look-"));
  out = "";
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});
const saved = (text: string): string => {
  const path = join(directory, "saved");
  writeFileSync(path, text);
  return path;
};

describe("scan", () => {
  const uuid = "GPU-6d5c0ac5-74d7-3130-46f1-e93ed57f469a";
  const csv = `index, uuid, name, power.draw [W], temperature.gpu\n0, ${uuid}, NVIDIA H200, 77.50 W, [N/A]\n`;

  it("prints a saved reading for people: what is told with its unit, what is not as unknown", async () => {
    expect(await scan(["--from", saved(csv)], io)).toBe(0);
    expect(out).toContain(`GPU 0  NVIDIA H200  ${uuid}  present`);
    expect(out).toMatch(/^ {2}power +77\.5 W$/m);
    expect(out).toMatch(/^ {2}temperature +unknown$/m);
    expect(out).not.toMatch(/null|undefined|NaN/);
  });

  it("prints the same as JSON", async () => {
    expect(await scan(["--json", "--from", saved(csv)], io)).toBe(0);
    const { v, from, gpus } = JSON.parse(out);
    expect([v, from, gpus.length]).toEqual([1, "nvidia-smi-csv", 1]);
    expect(gpus[0].telemetry).toMatchObject({ power_mw: { mean: 77_500 }, temp_mc: null });
  });

  it("names the fault, NVIDIA's advice and our severity of a kernel log", async () => {
    const line = "Nov 21 12:00:00 h kernel: NVRM: Xid (PCI:0000:18:00): 79, GPU has fallen off the bus.\n";
    expect(await scan(["--from", saved(line)], io)).toBe(0);
    expect(out).toMatch(/^GPU {2}at 00000000:18:00\.0\n {2}Xid 79 +lost, NVIDIA: RESTART_BM/m);
  });

  it("says why no GPU could be read, and prints what it knows as JSON all the same", async () => {
    await expect(scan(alone, io)).rejects.toMatchObject({
      code: "SCAN_NO_GPU",
      disposition: "retryable",
      message: expect.stringContaining("no nvidia-smi at /nowhere/nvidia-smi"),
    });
    expect(out).toBe("");
    await expect(scan([...alone, "--json"], io)).rejects.toMatchObject({ code: "SCAN_NO_GPU" });
    expect(JSON.parse(out)).toMatchObject({ gpus: [], problems: [{ code: "NVIDIA_SMI_NOT_FOUND" }] });
  });

  it("says why no GPU could be read even where the kernel log is the first to fail", async () => {
    await expect(scan([...nothing, "--kernel-log", "/nowhere/kern.log"], io)).rejects.toMatchObject({
      message: expect.stringMatching(/kernel log cannot be read.*; no nvidia-smi at/),
    });
  });

  it("takes a saved reading of a machine without GPUs for one that may be another time, as of a live one", async () => {
    await expect(scan(["--json", "--from", saved("No devices were found\n")], io)).rejects.toMatchObject({
      code: "SCAN_NO_GPU",
      disposition: "retryable",
      message: expect.stringContaining("nvidia-smi found no GPU"),
    });
    expect(JSON.parse(out)).toMatchObject({ gpus: [], problems: [{ code: "NVIDIA_SMI_NO_DEVICES" }] });
  });

  it("refuses a file that it cannot have or does not know", async () => {
    await expect(scan(["--from", join(directory, "none")], io)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
    });
    await expect(scan(["--from", saved("hello\n")], io)).rejects.toMatchObject({ code: "SCAN_FILE_UNKNOWN" });
    await expect(scan(["--from", directory], io)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("EISDIR"),
    });
  });

  it("reads no more than it can hold of what does not end", async () => {
    await expect(scan(["--from", "/dev/zero"], io)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: expect.stringContaining("more than"),
    });
  });
});

describe("doctor", () => {
  it("looks at a machine without GPUs, and says so with exit code 1", async () => {
    expect(await doctor([...alone, "--json"], io)).toBe(1);
    const { v, status, checks } = JSON.parse(out);
    expect([v, status]).toEqual([1, "fail"]);
    const gpus = checks.find(({ id }: { id: string }) => id === "gpus");
    expect(gpus).toMatchObject({
      status: "fail",
      says: expect.stringContaining("no nvidia-smi at /nowhere"),
    });
    expect(checks.map(({ id }: { id: string }) => id)).not.toContain("broker");
    for (const { says, fix, status: found } of checks) {
      expect(says).toMatch(/^[A-Z/]|^nvidia-smi|^dcgm/);
      expect(fix === null).toBe(found === "ok");
    }
  });

  it("says that a data directory holds no identity, and how to get one", async () => {
    expect(await doctor([...alone, "--data-dir", directory], io)).toBe(1);
    expect(out).toMatch(/^fail +enrolment +This host is not enrolled/m);
    expect(out).toContain("caliber agent enroll");
    expect(out).toMatch(/^ok +disk|^warn +disk/m);
    expect(out).toMatch(/Something is broken\.\n$/);
  });

  it("takes a file for no data directory, and looks for no room in it", async () => {
    expect(await doctor([...alone, "--data-dir", saved(""), "--json"], io)).toBe(1);
    const { checks } = JSON.parse(out);
    const told = checks.find(({ id }: { id: string }) => id === "data-dir");
    expect(told).toMatchObject({ status: "fail", says: expect.stringMatching(/saved is no directory\.$/) });
    expect(checks.map(({ id }: { id: string }) => id)).not.toContain("disk");
  });

  it("tells of an identity that cannot be read among all the rest", async () => {
    writeFileSync(join(directory, "identity.json"), "{", { mode: 0o600 });
    expect(await doctor([...alone, "--data-dir", directory, "--json"], io)).toBe(1);
    const { checks } = JSON.parse(out);
    const told = checks.find(({ id }: { id: string }) => id === "enrolment");
    expect(told).toMatchObject({
      status: "fail",
      says: expect.stringContaining("identity.json cannot be read"),
    });
    expect(checks.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(["gpus", "disk"]));
  });
});
