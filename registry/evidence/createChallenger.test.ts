import { afterEach, describe, expect, it } from "vitest";
import type { ChallengeBody } from "../../protocol/down/downMessage.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import { busyTelemetry, inventoryOf, testChain } from "../../test/support/testReports.js";
import { healthPolicies } from "../health/policy.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { createChallenger } from "./createChallenger.js";

const policy = healthPolicies.demo;
const cores: Core[] = [];
afterEach(() => {
  for (const core of cores.splice(0)) core.crash();
});

/** One host with some devices that report each second. */
function open(count = 1, random = (): number => 0.5) {
  const core = openCore();
  cores.push(core);
  const devices = Array.from({ length: count }, () => testDevice());
  core.enrol("h-1", devices);
  const chains = devices.map((device) => testChain(device, "h-1"));
  const revoked = new Set<string>();
  let drawn = 0;
  const start = () =>
    createChallenger({
      devices: () => core.projector.fleet.devices.values(),
      policy: () => core.projector.fleet.policy,
      ledger: core.ledger,
      downlink: {
        send(host, body, ttl_ms) {
          sent.push({
            host,
            body: body as ChallengeBody,
            ttl_ms,
            at_ms: core.now_ms(),
            log_size: core.log.size(),
          });
        },
      },
      isRevoked: (host) => revoked.has(host),
      now_ms: core.now_ms,
      random,
      newChallenge: () => (++drawn).toString(16).padStart(64, "0"),
    });
  const sent: {
    host: string;
    body: ChallengeBody;
    ttl_ms: number | undefined;
    at_ms: number;
    log_size: number;
  }[] = [];
  let challenger = start();
  const say = async (i: number, bytes: Buffer): Promise<void> => {
    await core.ingest.take({ host: "h-1", device: devices[i]!.id, payload: bytes });
  };
  return {
    core,
    devices,
    sent,
    revoked,
    restart: () => {
      challenger = start();
    },
    tick: () => {
      challenger.tick();
      core.settle();
    },
    async begin(): Promise<void> {
      for (const [i, chain] of chains.entries()) {
        const now = { start_ms: core.now_ms(), end_ms: core.now_ms() };
        await say(i, chain.next("inventory", inventoryOf(`GPU-${i}`), now).bytes);
      }
      core.settle();
    },
    /** Seconds pass; all devices report, unless they are told to be silent. */
    async pass(seconds: number, silent = false): Promise<void> {
      for (let n = 0; n < seconds; n += 1) {
        const end_ms = core.advance(1000);
        for (const [i, chain] of chains.entries()) {
          const window = { start_ms: end_ms - 1000, end_ms };
          if (!silent)
            await say(i, chain.next("telemetry", { ...busyTelemetry, present_ms: 1000 }, window).bytes);
        }
        if (silent) core.ledger.commit();
        core.settle();
        challenger.tick();
        core.settle();
      }
    },
  };
}

describe("challenges", () => {
  it("come once there is an inventory and telemetry, and stand in the log before they are sent", async () => {
    const bench = open();
    bench.tick();
    expect(bench.sent).toEqual([]);
    await bench.begin();
    bench.tick();
    expect(bench.sent).toEqual([]);
    await bench.pass(10);
    const [first] = bench.sent;
    expect(first).toMatchObject({ host: "h-1", ttl_ms: policy.challenge_answer_ms });
    const entries = Array.from({ length: first!.log_size }, (_, idx) =>
      decodeEntry(bench.core.log.read(idx)!),
    );
    expect(entries.filter(({ kind }) => kind === "challenge")).toMatchObject([
      { body: { device: bench.devices[0]!.id, challenge: first!.body.challenge } },
    ]);
    expect(bench.sent).toHaveLength(1);
  });

  it("are rare for a GPU that has never answered", async () => {
    const bench = open();
    await bench.begin();
    await bench.pass(policy.challenge_unanswered_ms / 2000);
    expect(bench.sent).toHaveLength(1);
    await bench.pass(policy.challenge_unanswered_ms / 2000);
    expect(bench.sent).toHaveLength(2);
  });

  it.each([0, 0.3, 0.999_999])(
    "of one that answers are never further apart than the policy says (%f)",
    async (chance) => {
      const bench = open(1, () => chance);
      await bench.begin();
      await bench.pass(6);
      const silicon = {
        strong_identity: "ab".repeat(32),
        statement: "",
        at_ms: bench.core.now_ms(),
        latency_ms: 1,
        lapsed: false,
      };
      bench.core.fold(bench.devices[0]!).silicon = silicon;
      await bench.pass(300);
      const gaps = bench.sent.slice(2).map(({ at_ms }, i) => at_ms - bench.sent[i + 1]!.at_ms);
      expect(gaps.length).toBeGreaterThan(2);
      // The one before must be answered or run out first.
      const longest = Math.max(policy.challenge_max_ms, policy.challenge_answer_ms) + 2000;
      expect(Math.max(...gaps)).toBeLessThanOrEqual(longest);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(policy.challenge_min_ms);
    },
  );

  it("go to one GPU of a host after another, to all that are wanted at once, and never repeat", async () => {
    const bench = open(3);
    await bench.begin();
    await bench.pass(20);
    expect(bench.sent).toHaveLength(1);
    for (const device of bench.devices) bench.core.fold(device).challenge_wanted = true;
    await bench.pass(1);
    expect(bench.sent.slice(1).map(({ body }) => body.device)).toEqual(
      bench.devices.slice(1).map(({ id }) => id),
    );
    await bench.pass(200);
    const all = bench.sent.map(({ body }) => body.challenge);
    expect(new Set(all).size).toBe(all.length);
  });

  it("wait for a silent device, pass over a revoked host, and go on after a restart", async () => {
    const bench = open();
    await bench.begin();
    await bench.pass(2);
    await bench.pass(60, true);
    const before = bench.sent.length;
    bench.core.fold(bench.devices[0]!).challenge_wanted = true;
    bench.tick();
    expect(bench.sent).toHaveLength(before);
    bench.restart();
    bench.revoked.add("h-1");
    await bench.pass(2);
    expect(bench.sent).toHaveLength(before);
    bench.revoked.clear();
    await bench.pass(2);
    expect(bench.sent).toHaveLength(before + 1);
  });
});
