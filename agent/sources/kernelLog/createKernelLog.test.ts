import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { copyFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CaliberError } from "../../../protocol/errors.js";
import type { XidEvent } from "../../../protocol/report/schema.js";
import type { GpuName, Supplement } from "../supplement.js";
import { createKernelLog, type KernelLogOptions } from "./createKernelLog.js";
import { openKmsg } from "./openKmsg.js";

const clock = { now_ms: Date.now, mono_ms: () => Math.floor(performance.now()) };
const xidAt = (bus: string, xid: number) => `NVRM: Xid (PCI:0000:${bus}:00): ${xid}, pid=1, name=x, words`;

let dir: string;
let running: Supplement[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "caliber-klog-"));
  running = [];
});
afterEach(async () => {
  for (const supplement of running) await supplement.stop();
  await rm(dir, { recursive: true, force: true });
});

async function follow(options: Partial<KernelLogOptions>) {
  const told: { gpu: GpuName; event: XidEvent }[] = [];
  const problems: CaliberError[] = [];
  const supplement = createKernelLog({ source: "auto", clock, poll_ms: 10, retry_ms: 50, ...options });
  running.push(supplement);
  await supplement.start({
    onReadings: () => expect.unreachable("a kernel log has no readings"),
    onXid: (gpu, event) => told.push({ gpu, event }),
    onProblem: (error) => problems.push(error),
  });
  const counts = () => {
    const sums = new Map<string, number>();
    for (const { gpu, event } of told) {
      const key = `${gpu.bus_id}/${event.xid}`;
      sums.set(key, (sums.get(key) ?? 0) + event.count);
    }
    return Object.fromEntries(sums);
  };
  return { supplement, told, problems, counts };
}

async function until(check: () => boolean, limit_ms = 5000): Promise<void> {
  const end = Date.now() + limit_ms;
  while (!check()) {
    if (Date.now() > end) expect.unreachable("it never came true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("a log file", () => {
  it("tells what is written from now on, through rotation and truncation, and nothing twice", async () => {
    const path = join(dir, "kern.log");
    await writeFile(path, `kernel: ${xidAt("11", 79)}\n`);
    const { told, counts, problems } = await follow({ source: path as `/${string}` });
    const before = Date.now();
    appendFileSync(path, `Feb 23 16:24:18 h kernel: [1.0] ${xidAt("12", 48)}\nhalf a line: kernel: `);
    await until(() => told.length === 1);
    expect(told[0]).toEqual({
      gpu: { uuid: null, bus_id: "00000000:12:00.0" },
      event: {
        xid: 48,
        first_ms: expect.any(Number),
        last_ms: told[0]!.event.first_ms,
        count: 1,
        source: "kernel-log",
        detail: "words",
        resolution: "WORKFLOW_XID_48",
        severity: "impaired",
        rules: 1,
      },
    });
    expect(told[0]!.event.first_ms).toBeGreaterThanOrEqual(before);
    appendFileSync(path, `\nkernel: ${xidAt("13", 95)}\n`);
    await until(() => told.length === 2);

    await rename(path, `${path}.1`);
    appendFileSync(`${path}.1`, `kernel: ${xidAt("14", 62)}\n`);
    await writeFile(path, `kernel: ${xidAt("15", 64)}\n`);
    await until(() => told.length === 4);

    await copyFile(path, `${path}.2`);
    await truncate(path, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    appendFileSync(path, `kernel: ${xidAt("16", 74)}\n`);
    await until(() => told.length === 5);
    expect(counts()).toEqual({
      "00000000:12:00.0/48": 1,
      "00000000:13:00.0/95": 1,
      "00000000:14:00.0/62": 1,
      "00000000:15:00.0/64": 1,
      "00000000:16:00.0/74": 1,
    });
    expect(problems).toEqual([]);
  });

  it("makes a storm few events with the whole count", async () => {
    const path = join(dir, "kern.log");
    await writeFile(path, "");
    const { told, counts } = await follow({ source: path as `/${string}` });
    for (let part = 0; part < 10; part++) {
      appendFileSync(path, `kernel: ${xidAt("12", 95)}\n`.repeat(5000));
    }
    await until(() => counts()["00000000:12:00.0/95"] === 50_000);
    expect(told.length).toBeLessThan(100);
  });
});

describe("the journal", () => {
  /** A stand-in for journalctl: shell code that is given its arguments. */
  async function program(body: string): Promise<{ journalctl: string; journal: string; kmsg: string }> {
    const journalctl = join(dir, "journalctl");
    await writeFile(journalctl, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return { journalctl, journal: dir, kmsg: join(dir, "no-kmsg") };
  }
  const entry = (text: string, at_ms: number) =>
    JSON.stringify({ MESSAGE: text, __REALTIME_TIMESTAMP: String(at_ms * 1000), __CURSOR: "s=1" });

  it("is followed where the device cannot be read, with its own times", async () => {
    const at_ms = Date.now() - 500;
    const paths = await program(
      `echo "$@" > ${dir}/args\necho '${entry(xidAt("21", 79), at_ms)}'\necho '${entry("eth0: up", at_ms)}'\necho '{"MESSAGE": torn NVRM: '\nexec sleep 60`,
    );
    const { told, problems, supplement } = await follow({ source: "auto", paths });
    await until(() => told.length === 1);
    expect(told[0]!.event).toMatchObject({ xid: 79, severity: "lost", first_ms: at_ms, last_ms: at_ms });
    expect(problems).toEqual([]);
    const began = Date.now();
    await supplement.stop();
    expect(Date.now() - began).toBeLessThan(900);
  });

  it.each([
    [
      "says that it shows nothing",
      "echo 'Hint: You are currently not seeing messages from other users' >&2\nexec sleep 60",
    ],
    ["ends", "echo 'No journal files were opened due to insufficient permissions.' >&2\nexit 1"],
  ])("a journalctl that %s is a log that cannot be read: told once, with a remedy", async (_name, body) => {
    const paths = await program(body);
    const { problems, supplement } = await follow({ source: "journald", paths, retry_ms: 5 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await supplement.stop();
    expect(problems.map(({ code }) => code)).toEqual(["KERNEL_LOG_UNREADABLE"]);
    expect(problems[0]!.message).toMatch(/systemd-journal/);
    expect(problems[0]!.details).toMatch(/^journald: /);
  });

  it("one that dies is told of and started again", async () => {
    const paths = await program(
      `if [ -e ${dir}/again ]; then echo '${entry(xidAt("22", 31), 1)}'; exec sleep 60; fi\ntouch ${dir}/again\nsleep 1.3`,
    );
    const { told, problems } = await follow({ source: "journald", paths });
    await until(() => told.length === 1);
    expect(problems.map(({ code }) => code)).toEqual(["KERNEL_LOG_FAILED"]);
  });
});

it("what is no file is refused, without waiting for what it may say", async () => {
  const pipe = join(dir, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const source of [pipe, dir, "/dev/zero"] as `/${string}`[]) {
    const { problems } = await follow({ source });
    expect(problems.map(({ code, details }) => [code, details])).toEqual([
      ["KERNEL_LOG_UNREADABLE", `${source}: it is no regular file`],
    ]);
    expect(problems[0]!.message).toContain("--kernel-log");
  }
});

it("a log that cannot be read is one problem that names each attempt, until it can be", async () => {
  const file = join(dir, "late.log");
  const paths = { kmsg: join(dir, "none"), journalctl: "journalctl", journal: join(dir, "none"), file };
  const { problems, told } = await follow({ source: "auto", paths, retry_ms: 5 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(problems.map(({ code }) => code)).toEqual(["KERNEL_LOG_UNREADABLE"]);
  expect(problems[0]!.details).toBe(`${paths.kmsg}: ENOENT; journald: ENOENT; ${file}: ENOENT`);
  await writeFile(file, "");
  await until(() => {
    appendFileSync(file, `kernel: ${xidAt("12", 48)}\n`);
    return told.length > 0;
  });
  expect(problems).toHaveLength(1);
});

describe("the device", () => {
  const failure = (code: string) => Object.assign(new Error(code), { code });
  const record = (seq: number, at_us: number, text: string) => `3,${seq},${at_us},-;${text}\n`;
  /** A device that gives these records and failures in turn, then EAGAIN. */
  function device(queue: (string | Error)[]) {
    return (buffer: Buffer): number => {
      const next = queue.shift() ?? failure("EAGAIN");
      if (next instanceof Error) throw next;
      return buffer.write(next, "latin1");
    };
  }

  it("passes over what it holds, then dates what comes by how long before the newest it was", async () => {
    const queue: (string | Error)[] = [record(1, 1_000_000, xidAt("31", 79))];
    const history: string[] = [];
    const lost: number[] = [];
    const log = await openKmsg({
      path: "unused",
      now_ms: () => 100_000,
      onHistory: (line) => history.push(line),
      onLost: (records) => lost.push(records),
      read: device(queue),
    });
    expect(history).toEqual([xidAt("31", 79)]);
    queue.push(
      record(2, 2_000_000, `${xidAt("32", 48)}\\x0aNVRM: second`),
      failure("EPIPE"),
      record(10, 5_000_000, xidAt("33", 62)),
      "3,11,6500000,-;eth0: up\n",
      "12,12,6500000,-;NVRM: Xid (PCI:0000:34:00): 79\n",
    );
    const lines: [string, number][] = [];
    log.poll((line, at_ms) => lines.push([line, at_ms]));
    expect(lines).toEqual([
      [xidAt("32", 48), 95_500],
      ["NVRM: second", 95_500],
      [xidAt("33", 62), 98_500],
    ]);
    expect(lost).toEqual([7]);
  });

  it("reads a bounded number of records a poll, and goes on with the next", async () => {
    const queue: (string | Error)[] = [];
    const log = await openKmsg({
      path: "unused",
      now_ms: () => 0,
      onHistory: () => expect.unreachable(),
      onLost: () => expect.unreachable(),
      read: device(queue),
    });
    for (let seq = 0; seq < 10_000; seq++) queue.push(record(seq, seq, xidAt("31", 95)));
    const counts: number[] = [];
    const more: boolean[] = [];
    for (let poll = 0; poll < 4; poll++) {
      let lines = 0;
      more.push(log.poll(() => lines++));
      counts.push(lines);
    }
    expect(counts).toEqual([4000, 4000, 2000, 0]);
    expect(more).toEqual([true, true, false, false]);
  });

  it("a device that fails is a log that fails", async () => {
    const queue: (string | Error)[] = [];
    const options = { path: "unused", now_ms: () => 0, onHistory: () => undefined, onLost: () => undefined };
    const log = await openKmsg({ ...options, read: device(queue) });
    queue.push(failure("ENODEV"));
    expect(() => log.poll(() => undefined)).toThrow("ENODEV");
    await expect(openKmsg({ ...options, read: device([failure("EIO")]) })).rejects.toThrow("EIO");
    await expect(openKmsg({ ...options, path: join(dir, "none") })).rejects.toThrow("ENOENT");
  });

  /** Opened and not only looked at: kernel.dmesg_restrict refuses in open(2). */
  const readable = (() => {
    try {
      closeSync(openSync("/dev/kmsg", "r"));
      return true;
    } catch {
      return false;
    }
  })();
  it("the real one is followed, or why not is told", async () => {
    const { problems } = await follow({ source: "kmsg" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(problems.map(({ code }) => code)).toEqual(readable ? [] : ["KERNEL_LOG_UNREADABLE"]);
  });
});
