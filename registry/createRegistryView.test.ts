import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { spkiOf } from "../protocol/crypto/spki.js";
import type { DownBody } from "../protocol/down/downMessage.js";
import type { ChainBody } from "../protocol/log/entryBodies.js";
import type { TitleReplacement, TitleRotation } from "../protocol/report/schema.js";
import { createRegistryView } from "./createRegistryView.js";
import { foldOf } from "./health/foldOf.js";
import { createReplacementOrders } from "./replacement/replacementOrders.js";
import { openDatabase } from "./store/openDatabase.js";
import { foldBench } from "./testing/foldBench.js";
import { testDevice } from "./testing/testDevice.js";

type Options = Parameters<typeof createRegistryView>[0];
const contract = `0x${"cd".repeat(20)}`;

/** A titled device, and the view of it. */
const titled = () => {
  const bench = foldBench();
  const [old, next, later] = [testDevice(), testDevice(), testDevice()];
  const keys = new Map([old, next, later].map((one) => [one.id, one.key]));
  const told: { host: string; body: DownBody }[] = [];
  const onChain: ChainBody[] = [];
  const revoked = new Set<string>();
  const orders = createReplacementOrders(openDatabase(":memory:"));
  const view = createRegistryView({
    devices: () => bench.fleet.devices.values(),
    findDevice: (device: string) => foldOf(bench.fleet, device),
    directory: { find: (device: string) => ({ key: keys.get(device)! }) },
    ledger: {
      add(_kind: "chain", body: ChainBody, { alongside }: { alongside: () => void }) {
        alongside();
        bench.put({ kind: "chain", body });
      },
      settle: () => undefined,
    },
    checkpointer: { origin: "registry.test/log" },
    downlink: { send: (host: string, body: DownBody) => void told.push({ host, body }) },
    orders,
    isRevoked: (host: string) => revoked.has(host),
    now_ms: bench.now,
    onChain: (body: ChainBody) => void onChain.push(body),
  } as unknown as Options);
  bench.enrol(old.id);
  bench.inventory(old.id, "GPU-a");
  const at = { tx: "0x01", block: 1 };
  view.record({ type: "minted", device: old.id, chain_id: 1, contract, token_id: "7", ...at });
  const rotate = (from = old, to = next): string => {
    keys.set(to.id, to.key);
    const body = { successor_spki: "", proof: "" };
    const report = bench.next(from.id, "rotate", body, { start_ms: bench.now(), end_ms: bench.now() });
    if (report.kind !== "report") throw new Error("no report");
    const key = { host: "h-1", device: from.id, seq: report.report.seq, statement: report.statement };
    const successor = { successor: to.id, successor_spki: "" };
    bench.put(report, { kind: "key", body: { type: "rotate", at_ms: bench.now(), ...key, ...successor } });
    return report.statement;
  };
  return { bench, old, next, later, view, told, onChain, revoked, orders, rotate, at };
};
const rotation = {} as TitleRotation;

describe("a title whose device has rotated its key", () => {
  it("is to follow, on the word of both keys, until the chain names the new one", () => {
    const { bench, old, next, view, told, onChain, rotate, at } = titled();
    expect(view.rotations()).toEqual([]);
    const evidence = rotate();
    const wish = {
      device: next.id,
      spki: spkiOf(next.key),
      token_id: 7n,
      key: old.id,
      key_spki: spkiOf(old.key),
      former: [old.id],
      evidence,
      assurance: 0,
    };
    expect(view.rotations()).toEqual([{ ...wish, signed: null }]);
    view.requestRotation(next.id, rotation);
    expect(told).toEqual([{ host: "h-1", body: { type: "rotation-request", device: next.id, rotation } }]);
    const fold = foldOf(bench.fleet, next.id)!;
    const signed = { rotation, old_signature: "a", new_signature: "b", statement: hash("sha256", "", "hex") };
    fold.title_rotation = signed;
    expect(view.rotations()).toEqual([{ ...wish, signed }]);
    const done = {
      type: "rotated",
      device: next.id,
      former: old.id,
      token_id: "7",
      evidence,
      ...at,
    } as const;
    for (const _twice of [0, 1]) view.record(done);
    expect(onChain.filter(({ type }) => type === "rotated")).toEqual([done]);
    expect(fold.token).toMatchObject({ token_id: "7", key: next.id });
    expect(view.rotations()).toEqual([]);
    expect(view.candidates()).toEqual([]);
  });

  it("follows at most once an hour, to the key that is in force by then", () => {
    const { bench, old, next, view, rotate, at } = titled();
    const evidence = rotate();
    const done = { type: "rotated", former: old.id, token_id: "7", evidence, ...at } as const;
    view.record({ ...done, device: next.id });
    const [third, last] = [testDevice(), testDevice()];
    bench.follow(next.id, old.id);
    rotate(next, third);
    expect(view.rotations()).toEqual([]);
    bench.pass(3_500_000, 60_000);
    bench.follow(third.id, next.id);
    rotate(third, last);
    expect(view.rotations()).toEqual([]);
    bench.pass(100_000);
    expect(view.rotations()).toMatchObject([{ device: last.id, key: next.id, token_id: 7n }]);
  });

  it("is left where it is while the device is disputed or its host revoked", () => {
    const { bench, next, view, revoked, rotate } = titled();
    rotate();
    revoked.add("h-1");
    expect(view.rotations()).toEqual([]);
    revoked.clear();
    foldOf(bench.fleet, next.id)!.dispute = "equivocation";
    expect(view.rotations()).toEqual([]);
  });
});

describe("an order that another device stand in", () => {
  const stood = () => {
    const all = titled();
    const { bench, next, orders } = all;
    bench.enrol(next.id, "h-2");
    expect(all.view.candidates()).toEqual([]);
    bench.inventory(next.id, "GPU-b");
    expect(all.view.candidates()).toHaveLength(1);
    orders.put("7", next.id);
    return all;
  };
  const say = (bench: ReturnType<typeof foldBench>, device: string, evidence: string) => {
    const replacement = { token_id: "7", evidence: `0x${evidence}` } as TitleReplacement;
    const window = { start_ms: bench.now(), end_ms: bench.now() };
    bench.put(bench.next(device, "replace-title", { replacement, signature: "cd".repeat(64) }, window));
  };

  it("keeps it from a title of its own, and keeps what it signed while its inventory says the same", () => {
    const { bench, old, next, view, told } = stood();
    expect(view.candidates()).toEqual([]);
    const first = bench.fold(next.id).inventory!.statement;
    const wish = { token_id: 7n, former: old.id, device: next.id, assurance: 0, consent: null };
    expect(view.replacements()).toMatchObject([{ ...wish, evidence: first, signed: null }]);
    const replacement = {} as TitleReplacement;
    view.requestReplacement(next.id, replacement);
    expect(told).toEqual([
      { host: "h-2", body: { type: "replacement-request", device: next.id, replacement } },
    ]);
    say(bench, next.id, first);
    bench.inventory(next.id, "GPU-b");
    expect(view.replacements()).toMatchObject([{ evidence: first, signed: { signature: "cd".repeat(64) } }]);
    bench.inventory(next.id, "GPU-b", { vbios_version: "96.00.74.00.2F" });
    const latest = bench.fold(next.id).inventory!.statement;
    expect(view.replacements()).toMatchObject([{ evidence: latest }]);
  });

  it("is carried out once: the title goes over, above both sequences, and the old key gets no other", () => {
    const { bench, old, next, view, orders, onChain, at } = stood();
    bench.report(old.id, 3);
    const before = bench.fold(old.id).sequence;
    const evidence = bench.fold(next.id).inventory!.statement;
    const done = {
      type: "replaced",
      device: next.id,
      former: old.id,
      token_id: "7",
      evidence,
      ...at,
    } as const;
    expect([view.holderOf(7n), view.holderOf(8n)]).toEqual([old.id, null]);
    for (const _twice of [0, 1]) view.record(done);
    expect(view.holderOf(7n)).toBe(next.id);
    expect(onChain.filter(({ type }) => type === "replaced")).toEqual([done]);
    expect(orders.all()).toEqual([]);
    expect(bench.fold(old.id)).toMatchObject({ token: null, replaced_by: next.id });
    const { token, inventory, health_sequence } = bench.fold(next.id);
    expect(token).toMatchObject({ contract, token_id: "7", key: next.id, material: inventory!.material });
    expect(health_sequence).toBeGreaterThan(before);
    expect(view.tokenHealth().map(({ device }) => device)).toEqual([next.id]);
    expect(view.candidates()).toEqual([]);
    expect(view.amendments()).toEqual([]);
    const last = bench.health(next.id).at(-1)!;
    expect(last.subject).toBe(`did:erc721:1:${contract}:7`);
  });

  it("needs no amendment for inventories that say the same, however many came before the consent", () => {
    const { bench, old, next, view, at } = stood();
    const evidence = bench.fold(next.id).inventory!.statement;
    say(bench, next.id, evidence);
    for (let i = 0; i < 3; i += 1) bench.inventory(next.id, "GPU-b");
    // Asked again, it signs the same words anew.
    say(bench, next.id, evidence);
    expect(view.replacements()).toMatchObject([{ evidence }]);
    view.record({ type: "replaced", device: next.id, former: old.id, token_id: "7", evidence, ...at });
    expect(bench.fold(next.id).token?.material).toBe(bench.fold(next.id).inventory!.material);
    expect(view.amendments()).toEqual([]);
    bench.inventory(next.id, "GPU-b", { vbios_version: "96.00.74.00.2F" });
    expect(view.amendments()).toMatchObject([{ device: next.id, token_id: 7n }]);
  });

  it("leaves the one before without a title under its next key too, until it is ordered to stand in itself", () => {
    const { bench, old, next, later, view, orders, rotate, at } = stood();
    const evidence = bench.fold(next.id).inventory!.statement;
    const done = { type: "replaced", token_id: "7", ...at } as const;
    view.record({ ...done, device: next.id, former: old.id, evidence });
    orders.put("7", old.id);
    expect(view.replacements()).toEqual([]);
    orders.remove("7");
    rotate(old, later);
    expect(bench.fold(later.id)).toMatchObject({ token: null, replaced_by: next.id, replaced_key: old.id });
    expect(view.candidates()).toEqual([]);
    orders.put("7", later.id);
    expect(view.replacements()).toMatchObject([{ former: next.id, device: later.id }]);
    const own = bench.fold(later.id).inventory!.statement;
    view.record({ ...done, device: later.id, former: next.id, evidence: own });
    expect(bench.fold(later.id)).toMatchObject({ replaced_by: null, replaced_key: null });
    expect(bench.fold(later.id).token).toMatchObject({ token_id: "7", key: later.id });
    expect(bench.fold(next.id)).toMatchObject({ token: null, replaced_by: later.id, replaced_key: next.id });
    expect(view.candidates()).toEqual([]);
  });
});
