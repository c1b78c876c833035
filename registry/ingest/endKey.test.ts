import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publicKeyFromSpki, spkiOf } from "../../protocol/crypto/spki.js";
import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { KeyBody, TpmKeyEvidence } from "../../protocol/log/entryBodies.js";
import { rotationQualification } from "../../protocol/tpm/rotationQualification.js";
import { akAttributes, forgeResidency, newKey, publicArea } from "../../test/support/forgedTpm.js";
import type { TestDevice } from "../../test/support/testHost.js";
import { busyTelemetry, inventoryOf, type SignedReport, testChain } from "../../test/support/testReports.js";
import { createSqliteEnrolStore } from "../enrol/sqliteEnrolStore.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { createDeviceDirectory } from "./deviceDirectory.js";

type ForgeOptions =
  Parameters<typeof forgeResidency> extends [unknown, unknown, unknown, ...infer T] ? T : never;

const host = "h-1";
let core: Core;
let old: TestDevice;
let next: TestDevice;
let chain: ReturnType<typeof testChain>;
let end_ms: number;
let open: boolean;

beforeEach(() => {
  core = openCore({ group_ms: 0 });
  open = true;
  [old, next] = [testDevice(), testDevice()];
  core.enrol(host, [old]);
  chain = testChain(old, host);
  end_ms = core.now_ms();
});
afterEach(() => {
  if (open) core.crash();
});

const telemetry = (): SignedReport => {
  const start_ms = end_ms;
  end_ms = core.advance(1000);
  return chain.next("telemetry", { ...busyTelemetry, present_ms: 1000 }, { start_ms, end_ms });
};
const inventory = (uuid = "GPU-a"): SignedReport =>
  chain.next("inventory", inventoryOf(uuid), { start_ms: end_ms, end_ms });
const retire = (): SignedReport => chain.next("retire", { reason: "sold" }, { start_ms: end_ms, end_ms });
const take = (device: TestDevice, { bytes }: SignedReport): Promise<void> =>
  core.ingest.take({ host, device: device.id, payload: bytes });
/** Hands one report in: its place in the log, or why it was refused. */
const answer = async (device: TestDevice, report: SignedReport): Promise<number | string> => {
  const from = core.downs.length;
  await take(device, report);
  const told = core.downs.slice(from).map(({ body }) => body);
  const receipt = told.find((body) => body.type === "receipt");
  return receipt?.kept[0]?.idx ?? receipt!.refused[0]!.code;
};
const keyEntries = (): KeyBody[] => {
  const all = Array.from({ length: core.log.size() }, (_, idx) => decodeEntry(core.log.read(idx)!));
  return all.flatMap((entry) => (entry.kind === "key" ? [entry.body as KeyBody] : []));
};
const events = (): CaliberEvent[] =>
  core.db
    .prepare<[], string>("SELECT body FROM event ORDER BY id")
    .pluck()
    .all()
    .map((body) => JSON.parse(body) as CaliberEvent);
const expectRebuildGivesTheSame = (): void => {
  core.settle();
  const before = tableDigests(core.db);
  expect(rebuild(core.db).digests).toEqual(before);
};

describe("a key that is rotated", () => {
  it("hands chain, identity and record to the next, in one commit", async () => {
    await take(old, inventory());
    await take(old, telemetry());
    const rotation = chain.rotate(next, end_ms);
    const idx = (await answer(old, rotation)) as number;
    expect(decodeEntry(core.log.read(idx + 1)!)).toMatchObject({
      kind: "key",
      body: { type: "rotate", device: old.id, successor: next.id, seq: 2, statement: rotation.statement },
    });
    expect(decodeEntry(core.log.read(idx + 2)!).kind).toBe("tick");
    expect(await answer(next, telemetry())).toBeTypeOf("number");

    const fold = core.fold(next);
    expect(fold).toMatchObject({
      device: next.id,
      state: "healthy",
      missing: 0,
      head: { seq: 3 },
      inventory: { uuid: "GPU-a" },
      former_keys: [{ device: old.id, last_seq: 2, statement: rotation.statement }],
    });
    expect(core.projector.fleet.devices.has(old.id)).toBe(false);
    expect(core.projector.fleet.identities.get(fold.held!)).toBe(next.id);
    // The GPU is where it was: its next inventory takes nobody's identity.
    await take(next, inventory());
    expect(core.fold(next).dispute).toBeNull();
    core.settle();
    const told = events().filter(({ data }) => "code" in data && data.code === "KEY_ROTATED");
    expect(told).toHaveLength(1);
    const sequences = events().map(({ sequence }) => Number(sequence));
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expectRebuildGivesTheSame();
  });

  it("takes the first report of the next key that comes along with the rotation", async () => {
    const rotation = chain.rotate(next, end_ms);
    const reports = [telemetry(), telemetry(), telemetry()];
    await Promise.all([take(old, rotation), ...reports.map((report) => take(next, report))]);
    expect(core.fold(next).head?.seq).toBe(3);
    expect(core.ingest.counts()).toMatchObject({ kept: 4, refused: 0 });
  });

  it("signs nothing any more, but what was signed before still fills its place", async () => {
    const late = telemetry();
    await take(old, chain.rotate(next, end_ms));
    const more = testChain(old, host);
    more.next("telemetry", busyTelemetry, { start_ms: 0, end_ms: 0 });
    more.next("telemetry", busyTelemetry, { start_ms: 0, end_ms: 0 });
    const again = more.next("telemetry", busyTelemetry, { start_ms: end_ms, end_ms });
    expect(await answer(old, again)).toBe("KEY_NOT_IN_FORCE");
    await take(next, telemetry());
    expect(core.fold(next).missing).toBe(1);
    expect(await answer(old, late)).toBeTypeOf("number");
    expect(core.fold(next).missing).toBe(0);
    expectRebuildGivesTheSame();
  });

  it("leaves no place of its own to the next one", async () => {
    telemetry();
    await take(old, chain.rotate(next, end_ms));
    const forged = testChain(next, host).next("telemetry", busyTelemetry, { start_ms: end_ms, end_ms });
    expect(await answer(next, forged)).toBe("KEY_NOT_IN_FORCE");
  });

  it("may be rotated again, and all of it is known after a restart", async () => {
    const third = testDevice();
    await take(old, chain.rotate(next, end_ms));
    await take(next, telemetry());
    await take(next, chain.rotate(third, end_ms));
    await take(third, telemetry());
    core.settle();
    const directory = createDeviceDirectory(core.db, core.log);
    expect([old, next, third].map(({ id }) => directory.find(id)?.tenure)).toEqual([
      { first_seq: 0, last_seq: 0 },
      { first_seq: 1, last_seq: 2 },
      { first_seq: 3, last_seq: null },
    ]);
    const store = createSqliteEnrolStore(core.db, core.ledger);
    expect([old, next, third].every(({ id }) => store.hasDevice(id))).toBe(true);
    expectRebuildGivesTheSame();
  });

  it("names no key that is on record already, nor one that has not agreed", async () => {
    const other = testDevice();
    core.enrol("h-2", [other]);
    expect(await answer(old, chain.rotate(other, end_ms))).toBe("SUCCESSOR_INVALID");
    const own = testChain(old, host);
    const { body } = own.rotate(next, end_ms).report;
    const fresh = testChain(old, host);
    const stolen = { ...body, proof: "00".repeat(31) + "01".repeat(33) };
    expect(await answer(old, fresh.next("rotate", stolen, { start_ms: end_ms, end_ms }))).toBe(
      "SUCCESSOR_INVALID",
    );
    expect(keyEntries().filter(({ type }) => type === "rotate")).toEqual([]);
  });

  it("ends nothing from the middle of its chain", async () => {
    const rotation = chain.rotate(next, end_ms);
    const later = testChain(old, host);
    later.next("telemetry", busyTelemetry, { start_ms: end_ms, end_ms });
    await take(old, later.next("telemetry", busyTelemetry, { start_ms: end_ms, end_ms }));
    expect(await answer(old, rotation)).toBe("PREV_MISMATCH");
    expect(core.fold(old).former_keys).toEqual([]);
  });

  it("cannot bring the next one into dispute by a second statement, which is on record all the same", async () => {
    await take(old, telemetry());
    await take(old, chain.rotate(next, end_ms));
    const fork = testChain(old, host).next("telemetry", busyTelemetry, { start_ms: 0, end_ms: 1 });
    expect(await answer(old, fork)).toBe("EQUIVOCATION");
    core.settle();
    expect(events().some(({ data }) => "code" in data && data.code === "EQUIVOCATION")).toBe(true);
    expect(core.fold(next).dispute).toBeNull();
  });

  it("keeps its title, and one that is minted to the old key afterwards", async () => {
    const minted = {
      type: "minted",
      device: old.id,
      chain_id: 1,
      contract: "0x1",
      token_id: "7",
      tx: "0x2",
      block: 3,
    };
    await take(old, inventory());
    core.ledger.add("chain", minted);
    core.ledger.commit();
    await take(old, chain.rotate(next, end_ms));
    expect(core.fold(next).token).toMatchObject({ token_id: "7", key: old.id });
    core.ledger.add("chain", {
      type: "unminted",
      device: old.id,
      chain_id: 1,
      contract: "0x1",
      token_id: "7",
      block: 4,
    });
    core.ledger.commit();
    expect(core.fold(next).token).toBeNull();
    core.ledger.add("chain", { ...minted, token_id: "8" });
    core.ledger.commit();
    expect(core.fold(next).token).toMatchObject({ token_id: "8", key: old.id });
    expectRebuildGivesTheSame();
  });

  it("takes its dispute along", async () => {
    await take(old, telemetry());
    const fork = testChain(old, host).next("telemetry", busyTelemetry, { start_ms: 0, end_ms: 1 });
    expect(await answer(old, fork)).toBe("EQUIVOCATION");
    await take(old, chain.rotate(next, end_ms));
    expect(core.fold(next)).toMatchObject({ state: "disputed", dispute: "equivocation" });
  });
});

describe("a key in a TPM that is rotated", () => {
  const ak = newKey();
  /** Enrolled anew, in a TPM whose attestation key is `ak`. */
  const enrolInTpm = (): TestDevice => {
    const device = testDevice();
    const host_spki = spkiOf(device.key).toString("base64");
    const evidence = { public: "", attest: "", signature: "" };
    core.ledger.add("key", {
      type: "enrol",
      at_ms: core.now_ms(),
      host,
      host_spki,
      recipient: `0x${"11".repeat(20)}`,
      simulated: true,
      label: host,
      devices: [{ device: device.id, spki: host_spki, tpm: evidence }],
      tpm: {
        ek_sha256: "ab".repeat(32),
        trust: "pinned",
        root_sha256: null,
        ek_certificate: null,
        ak: publicArea(ak, akAttributes).toString("base64"),
        nonce: "00".repeat(32),
        token: "00".repeat(32),
      },
    });
    core.settle();
    const { id } = core.fold(device);
    const key = publicKeyFromSpki(spkiOf(device.key));
    core.directory.add({ id, device: device.id, host, key, tenure: { first_seq: 0, last_seq: null } });
    chain = testChain(device, host);
    return device;
  };
  const word = (from: TestDevice, to: TestDevice, ...options: ForgeOptions): TpmKeyEvidence => {
    const residency = forgeResidency(ak, to.key, rotationQualification(from.id, to.id), ...options);
    return {
      public: residency.public.toString("base64"),
      attest: residency.attest.toString("base64"),
      signature: residency.signature.toString("base64"),
    };
  };
  const rotated = (from: TestDevice, to: TestDevice, tpm: TpmKeyEvidence | null): SignedReport => {
    const { body } = testChain(from, host).rotate(to, end_ms).report;
    return chain.next("rotate", tpm === null ? body : { ...body, tpm }, { start_ms: end_ms, end_ms });
  };

  it("stays one where the TPM of its enrolment vouches for the next, again and again", async () => {
    const device = enrolInTpm();
    const tpm = word(device, next);
    expect(await answer(device, rotated(device, next, tpm))).toBeTypeOf("number");
    expect(core.fold(next)).toMatchObject({ key: "tpm", former_keys: [{ device: device.id }] });
    expect(keyEntries().at(-1)).toMatchObject({ type: "rotate", tpm });
    const third = testDevice();
    const after = testChain(next, host);
    after.next("retire", {}, { start_ms: end_ms, end_ms });
    const { seq, prev } = chain.at();
    const { body } = testChain(next, host).rotate(third, end_ms).report;
    const draft = after.draft("rotate", { ...body, tpm: word(next, third) }, { start_ms: end_ms, end_ms });
    expect(await answer(next, after.forge({ ...draft, seq, prev }))).toBeTypeOf("number");
    expect(core.fold(third).key).toBe("tpm");
    expectRebuildGivesTheSame();
  });

  it("is one in a file where nothing is said of a TPM", async () => {
    const device = enrolInTpm();
    expect(await answer(device, rotated(device, next, null))).toBeTypeOf("number");
    expect(core.fold(next).key).toBe("software");
    expectRebuildGivesTheSame();
  });

  it.each<[string, (device: TestDevice) => TpmKeyEvidence]>([
    ["another TPM", (device) => word(device, next, { by: newKey() })],
    ["a TPM that speaks of another key", (device) => ({ ...word(device, testDevice()) })],
    ["a TPM that spoke of another rotation", () => word(testDevice(), next)],
    ["a TPM whose key may leave it", (device) => word(device, next, { attributes: 0 })],
    ["no TPM at all", () => ({ public: "AAAA", attest: "AAAA", signature: `${"A".repeat(86)}==` })],
  ])("is refused, and stays in force, when vouched for by %s", async (_, tpm) => {
    const device = enrolInTpm();
    expect(await answer(device, rotated(device, next, tpm(device)))).toBe("SUCCESSOR_INVALID");
    expect(core.fold(device)).toMatchObject({ key: "tpm", former_keys: [] });
    expect(core.fatal).toEqual([]);
  });

  it("does not come out of a file: no TPM was shown at that enrolment", async () => {
    expect(await answer(old, rotated(old, next, word(old, next)))).toBe("SUCCESSOR_INVALID");
    expect(core.fold(old).key).toBe("software");
  });
});

describe("a device that is retired", () => {
  it("is told so, and is neither stale nor lost however long it is silent", async () => {
    await take(old, inventory());
    await take(old, telemetry());
    const last = retire();
    const idx = (await answer(old, last)) as number;
    expect(core.fold(old)).toMatchObject({
      state: "retired",
      cause: "retired",
      evidence: `entry:${idx + 1}`,
      retired: { device: old.id, last_seq: 2, statement: last.statement, reason: "sold" },
    });
    core.advance(7 * 86_400_000);
    core.ledger.commit();
    expect(core.fold(old).state).toBe("retired");
    expect(await answer(old, telemetry())).toBe("KEY_NOT_IN_FORCE");
    expect(createSqliteEnrolStore(core.db, core.ledger).hasDevice(old.id)).toBe(true);
    expectRebuildGivesTheSame();
  });

  it("leaves its GPU to another key", async () => {
    await take(old, inventory());
    await take(old, retire());
    core.enrol("h-2", [next]);
    const report = testChain(next, "h-2").next("inventory", inventoryOf("GPU-a"), {
      start_ms: end_ms,
      end_ms,
    });
    await core.ingest.take({ host: "h-2", device: next.id, payload: report.bytes });
    expect(core.fold(next).dispute).toBeNull();
    expectRebuildGivesTheSame();
  });

  it("does not leave a dispute by retiring", async () => {
    await take(old, inventory());
    const fork = testChain(old, host).next("inventory", inventoryOf("GPU-b"), { start_ms: 0, end_ms: 1 });
    expect(await answer(old, fork)).toBe("EQUIVOCATION");
    await take(old, retire());
    const fold = core.fold(old);
    expect(fold.state).toBe("disputed");
    expect(core.projector.fleet.identities.get(fold.held!)).toBe(old.id);
  });
});
