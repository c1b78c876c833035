import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { goneSoon } from "./testing/goneSoon.js";
import { smiHarness } from "./testing/smiHarness.js";

const known = "GPU-00000000-0000-0000-0000-00000000000a";
const harness = smiHarness();
const { simulator, scenario, script, start } = harness;
afterAll(harness.remove);
afterEach(harness.stopAll);

describe("a child that cannot be killed", { timeout: 30_000 }, () => {
  /** As if every child were in uninterruptible sleep: signals wait until it is let go. */
  function undead() {
    const children: ChildProcess[] = [];
    const waiting: (() => boolean)[] = [];
    let over = false;
    const from: typeof spawn = ((path: string, args: string[], options: object) => {
      const child = spawn(path, args, options);
      const kill = child.kill.bind(child);
      child.kill = () => {
        if (over) return kill("SIGKILL");
        waiting.push(() => kill("SIGKILL"));
        return true;
      };
      children.push(child);
      return child;
    }) as typeof spawn;
    function letGo() {
      over = true;
      for (const kill of waiting) kill();
    }
    const alive = (what: RegExp) =>
      children.filter(
        (child) =>
          what.test(child.spawnargs.join(" ")) && child.exitCode === null && child.signalCode === null,
      );
    return { spawn: from, children, alive, letGo };
  }

  it("has no successor until it is gone, in either kind; each is told, and samples go on", async () => {
    const fake = undead();
    const { problems, samples, source, until } = await start({
      path: simulator,
      env: scenario([{ at_s: 2.5, until_s: 9, do: "hang" }], 2),
      spawn: fake.spawn,
      timeout_ms: 800,
      full_interval_ms: 400,
    });
    await until(({ presence }) => presence === "present");
    await until(({ presence }) => presence === "probe_timeout");
    // Long past every timeout and retry: what is there is still the one stream and the one full reading.
    for (let more = 0; more < 30; more++) await until(({ presence }) => presence === "probe_timeout");
    expect(fake.alive(/ -l(ms)? /)).toHaveLength(1);
    expect(fake.alive(/ -x/)).toHaveLength(1);
    const spawned = fake.children.length;
    for (let more = 0; more < 10; more++) await until(() => true);
    expect(fake.children).toHaveLength(spawned);
    expect(problems.filter(({ code }) => code === "NVIDIA_SMI_UNKILLABLE")).toHaveLength(2);
    const silentAt = samples.length;
    fake.letGo();
    await until(({ presence }) => presence === "present", 15_000);
    expect(samples.length).toBeGreaterThan(silentAt);
    expect(fake.children.length).toBeGreaterThan(spawned);
    expect(fake.alive(/ -l(ms)? /).length).toBeLessThanOrEqual(1);
    expect(fake.alive(/ -x/).length).toBeLessThanOrEqual(1);
    await source.stop();
  });

  it("does not hold stop()", async () => {
    const fake = undead();
    const path = script("exec sleep 600");
    const { source } = await start({ path, spawn: fake.spawn, timeout_ms: 200, known: [known] });
    const began = Date.now();
    await source.stop();
    expect(Date.now() - began).toBeLessThan(2500);
    fake.letGo();
    for (const child of fake.children) expect(await goneSoon(child.pid!)).toBe(true);
  });

  it("is not taken for gone because a signal could not be sent", async () => {
    const fake = undead();
    const refuse: typeof spawn = ((...args: Parameters<typeof spawn>) => {
      const child = fake.spawn(...args);
      const pend = child.kill;
      child.kill = () => {
        pend.call(child);
        child.emit("error", Object.assign(new Error("kill EPERM"), { code: "EPERM" }));
        return false;
      };
      return child;
    }) as typeof spawn;
    const { problems, until } = await start({
      path: script("exec sleep 600"),
      spawn: refuse,
      timeout_ms: 200,
      known: [known],
    });
    for (let more = 0; more < 30; more++) await until(() => true);
    expect(fake.children).toHaveLength(2);
    expect(problems.map(({ code }) => code)).toContain("NVIDIA_SMI_UNKILLABLE");
    fake.letGo();
  });

  it("a process that can start no child says so and tries again", async () => {
    let calls = 0;
    const { problems, until } = await start({
      path: simulator,
      spawn: (() => {
        calls++;
        throw Object.assign(new Error("spawn EAGAIN"), { code: "EAGAIN" });
      }) as unknown as typeof spawn,
      known: [known],
    });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_FAILED");
    expect(await until(() => true)).toMatchObject({ presence: "probe_timeout" });
    const before = calls;
    for (let more = 0; more < 15; more++) await until(() => true);
    expect(calls).toBeGreaterThan(before);
  });
});
