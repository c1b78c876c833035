import { generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainHead } from "../../protocol/chain/chainHead.js";
import { genesisPrev } from "../../protocol/chain/chainHead.js";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import type { DownBody } from "../../protocol/down/downMessage.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { pae } from "../../protocol/dsse/pae.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { statementHash } from "../../protocol/dsse/statementHash.js";
import { originHash } from "../../protocol/log/originHash.js";
import { mintAuthorizationMessage } from "../../protocol/mint/mintAuthorizationMessage.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import { titleRotationMessage } from "../../protocol/mint/titleRotationMessage.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import type {
  HostFacts,
  InventoryBody,
  MintAuthorization,
  Presence,
  Report,
  TitleReplacement,
  TitleRotation,
} from "../../protocol/report/schema.js";
import type { SigningKey } from "../keys/keyStore.js";
import { noReading } from "../sources/noReading.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { createSpool } from "../spool/createSpool.js";
import { type Db, openSpoolDatabase } from "../spool/openSpoolDatabase.js";
import type { Spool, SpoolLimits } from "../spool/spool.js";
import { type AgentCore, createAgentCore, type RegistryKeys } from "./createAgentCore.js";
import type { TitleContract } from "./parseTitleContract.js";

const uuid = "GPU-a";
const host_facts: HostFacts = {
  machine_id: "1".repeat(64),
  boot_id: null,
  vendor: "Supermicro",
  product: null,
  serial: null,
  board_serial: null,
  chassis_serial: null,
  bios_version: null,
  virtualization: "none",
  os: null,
  kernel: null,
};
const recipient = `0x${"ab".repeat(20)}`;
const host = "h-test";
const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const registryKey = newKey();
const nextRegistryKey = newKey();
let trusted: RegistryKeys = { now: registryKey, former: null };
const followed: RegistryKeyChange[] = [];
const deviceKey = newKey();
const spki = spkiOf(deviceKey);
const device = deviceIdOf(spki);
const key: SigningKey = { id: device, spki, inTpm: false, sign: (message) => signEs256(message, deviceKey) };
const keyring = new Map([[device, key]]);
const discarded: [uuid: string, device: string][] = [];
const log = pino({ level: "silent" });

let db: Db;
let spool: Spool;
let core: AgentCore;
let now_ms: number;
let mono_ms: number;
let down_seq: number;
let news: number;
let limits: SpoolLimits;

let directory: string;
let databases = 0;
const freshPath = (): string => join(directory, `${databases++}.db`);

const start = (
  machine_boot = "boot-1",
  accept_contract?: TitleContract,
  accept_replacement?: string,
): void => {
  core = createAgentCore({
    identity: {
      host,
      devices: [{ uuid, device }],
      simulated: true,
      window_ms: 10_000,
      recipient,
      log_origin: "log.test/1",
    },
    keyOf: (_uuid, id) => keyring.get(id) ?? key,
    discardFormer: (...what) => void discarded.push(what),
    registryKeys: () => trusted,
    followRegistry: (change) => {
      followed.push(change);
      trusted = { now: nextRegistryKey, former: registryKey };
      return true;
    },
    spool,
    clock: { now_ms: () => now_ms, mono_ms: () => mono_ms },
    boot: "0".repeat(32),
    machine_boot,
    interval_ms: 1000,
    source: "nvml",
    host_facts,
    accept_contract,
    accept_replacement,
    onNews: () => {
      news += 1;
    },
    log,
  });
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-core-"));
  now_ms = 1_800_000_000_000;
  mono_ms = 5_000;
  down_seq = 0;
  news = 0;
  limits = { max_reports: 1000, max_report_bytes: 10_000_000, max_sample_bytes: 1_000_000 };
  db = openSpoolDatabase(freshPath());
  spool = createSpool(db, limits);
  start();
});
afterEach(() => {
  spool.close();
  rmSync(directory, { recursive: true });
});

const elapse = (ms: number): void => {
  now_ms += ms;
  mono_ms += ms;
};
const sample = (presence: Presence = "present"): void => {
  const fast = presence === "present" ? { ...noReading.fast, util_permille: 500 } : noReading.fast;
  const one: GpuSample = {
    uuid,
    source: "nvidia-smi",
    supplied: [],
    xids: [],
    presence,
    at_ms: now_ms,
    at_mono_ms: mono_ms,
    fast,
    health: noReading.health,
  };
  core.onSamples([one]);
  core.tick();
};
const run = (seconds: number, presence?: Presence): void => {
  for (let n = 0; n < seconds; n++) {
    elapse(1000);
    sample(presence);
  }
};
const inventory = (over: Partial<InventoryBody> = {}): InventoryBody =>
  ({
    ...Object.fromEntries(inventoryNames.map((name) => [name, null])),
    uuid,
    name: "NVIDIA H100",
    ...over,
  }) as InventoryBody;
const inventoryNames =
  "index serial pdi brand architecture vbios_version board_part_number gpu_part_number inforom_image_version driver_version cuda_version pci_bus_id pci_device_id pcie_gen_max pcie_width_max fb_total_mib power_limit_mw mig_enabled ecc_enabled persistence_enabled module_id chassis_serial sm_clock_max_mhz chassis_slot tray_index mig_devices host".split(
    " ",
  );

const down = (body: DownBody, over: { seq?: number; aud?: string; key?: KeyObject } = {}) => {
  down_seq += 1;
  const message = {
    v: 1,
    aud: over.aud ?? host,
    seq: over.seq ?? down_seq,
    issued_ms: now_ms,
    expires_ms: now_ms + 60_000,
    body,
  };
  const payload = Buffer.from(JSON.stringify(message));
  const { envelope } = signEnvelope(payloadTypes.down, payload, over.key ?? registryKey);
  return core.receive(encodeEnvelope(envelope, ""));
};
const head = (at: ChainHead | null) =>
  down({ type: "head", nonce: "1".repeat(32), heads: [{ device, head: at }] });

/** Every report in the spool; each is checked as the registry would: signature, schema, link, windows. */
const reports = (): Report[] => {
  const rows = db.prepare("SELECT envelope, statement FROM report ORDER BY seq").all() as {
    envelope: Buffer;
    statement: string;
  }[];
  let before: { report: Report; statement: string } | null = null;
  return rows.map(({ envelope, statement }) => {
    const { payloadType, payload, signature } = parseEnvelope(envelope);
    verifyEs256(pae(payloadType, payload), signature, deviceKey);
    expect(statementHash(pae(payloadType, payload)).toString("hex")).toBe(statement);
    const report = parseReport(payload);
    expect(report.window.end_ms).toBeGreaterThanOrEqual(report.window.start_ms);
    if (before !== null) {
      expect(report.window.start_ms).toBeGreaterThanOrEqual(before.report.window.end_ms);
      if (report.seq === before.report.seq + 1) expect(report.prev).toBe(before.statement);
    }
    before = { report, statement };
    return report;
  });
};
const kinds = (): string[] => reports().map(({ kind }) => kind);
const gaps = () => reports().flatMap((report) => (report.kind === "gap" ? [report.body] : []));
const localHead = (): ChainHead => spool.head(device)!;

describe("a new chain", () => {
  it("signs nothing before the registry's head came", () => {
    core.onInventory([inventory()]);
    run(60);
    expect(reports()).toEqual([]);
    expect(core.devices()[0]).toMatchObject({ open: false, head_seq: null });
    head(null);
    run(1);
    expect(kinds()).toEqual(["inventory"]);
  });

  it("begins with its inventory and goes on in windows without holes between", () => {
    head(null);
    core.onInventory([inventory()]);
    run(31);
    const all = reports();
    expect(all.map(({ kind }) => kind)).toEqual(["inventory", "telemetry", "telemetry", "telemetry"]);
    expect(all[0]).toMatchObject({ seq: 0, prev: genesisPrev, host, simulated: true });
    expect(all[1]?.window.start_ms).toBe(all[0]?.window.end_ms);
    expect(all[2]?.window.start_ms).toBe(all[1]?.window.end_ms);
    expect(all[2]?.body).toMatchObject({ present_ms: 10_000, samples: 10, samples_expected: 10 });
    expect(spool.leaves(device, 2)).not.toBeNull();
  });

  it("closes the window at once on a fault, and tells of a GPU that stays away", () => {
    head(null);
    run(4);
    run(1, "lost");
    expect(reports().at(-1)?.body).toMatchObject({ presence: "lost", samples: 5 });
    run(20, "lost");
    expect(reports().map(({ body }) => "presence" in body && body.presence)).toEqual([
      "lost",
      "lost",
      "lost",
    ]);
  });

  it("tells its inventory again when it changes, and every hour", () => {
    head(null);
    core.onInventory([inventory()]);
    run(5);
    core.onInventory([inventory()]);
    core.onInventory([inventory({ vbios_version: "96" })]);
    expect(kinds()).toEqual(["inventory", "telemetry", "inventory"]);
    run(3600);
    expect(kinds().filter((kind) => kind === "inventory")).toHaveLength(3);
    reports();
  });

  it("tells of the machine in its inventory, and in every report where its readings come from", () => {
    head(null);
    core.onInventory([inventory()]);
    run(11);
    const all = reports();
    expect(all[0]?.body).toEqual(inventory({ host: host_facts }));
    expect(all.map(({ source }) => source)).toEqual(["nvml", "nvml"]);
  });
});

describe("taking a chain up", () => {
  const live = (): void => {
    head(null);
    core.onInventory([inventory()]);
    run(15);
    core.close();
  };
  const again = (machine_boot?: string): void => {
    elapse(60_000);
    start(machine_boot);
    core.onInventory([inventory()]);
  };

  it("closes what is open when it stops, and accounts for the time between", () => {
    live();
    const before = localHead();
    expect(kinds()).toEqual(["inventory", "telemetry", "telemetry"]);
    again();
    head(before);
    run(1);
    expect(kinds().slice(3)).toEqual(["gap", "inventory"]);
    expect(gaps()).toEqual([
      {
        reason: "restart",
        from_ms: before.window_end_ms,
        to_ms: now_ms,
        dropped: null,
        local_head_seq: before.seq,
        note: null,
      },
    ]);
  });

  it("calls it a reboot when the machine's boot id is another", () => {
    live();
    again("boot-2");
    head(localHead());
    run(1);
    expect(gaps()[0]?.reason).toBe("reboot");
  });

  it("goes on by its own record when the registry is silent for 20 s", () => {
    live();
    again();
    run(19);
    expect(kinds()).toHaveLength(3);
    run(2);
    expect(kinds().slice(3)).toEqual(["gap", "inventory"]);
    expect(gaps()[0]).toMatchObject({ reason: "restart", to_ms: now_ms });
  });

  it("goes on from the registry's head when its own is behind, and says that state was lost", () => {
    live();
    again();
    const later = { seq: 9, statement: "9".repeat(64), window_end_ms: localHead().window_end_ms + 20_000 };
    head(later);
    run(1);
    const [gap] = reports().filter(({ kind }) => kind === "gap");
    expect(gap).toMatchObject({
      seq: 10,
      prev: later.statement,
      body: { reason: "state_lost", from_ms: later.window_end_ms, local_head_seq: 2 },
    });
  });

  it("says so as well when the head comes after it went on alone", () => {
    live();
    again();
    run(25);
    const later = { seq: 99, statement: "9".repeat(64), window_end_ms: localHead().window_end_ms + 500 };
    head(later);
    run(1);
    expect(gaps().at(-1)).toMatchObject({ reason: "state_lost", from_ms: later.window_end_ms });
    expect(localHead().seq).toBe(101);
  });

  it("waits for the head, however long, when it has no record of its own", () => {
    live();
    const before = localHead();
    spool.close();
    db = openSpoolDatabase(freshPath());
    spool = createSpool(db, limits);
    again();
    run(100);
    expect(reports()).toEqual([]);
    head(before);
    run(1);
    expect(gaps()[0]).toMatchObject({ reason: "state_lost", local_head_seq: null });
    expect(reports()[0]).toMatchObject({ seq: before.seq + 1, prev: before.statement });
  });

  it("sends again what a restored registry has lost", () => {
    live();
    const [first] = reports();
    const rows = spool.waitingAfter(0, 10);
    down({
      type: "receipt",
      received_at_ms: now_ms,
      kept: rows.map(({ device, seq, statement }, idx) => ({ device, seq, statement, idx })),
      refused: [],
    });
    expect(spool.waitingAfter(0, 10)).toEqual([]);
    again();
    head({ seq: 0, statement: rows[0]!.statement, window_end_ms: first!.window.end_ms });
    expect(spool.waitingAfter(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe("time that nobody watched", () => {
  it("is a gap when the process stood still", () => {
    head(null);
    run(5);
    elapse(30_000);
    sample();
    run(12);
    expect(kinds()).toEqual(["telemetry", "gap", "telemetry"]);
    const [before, gap] = reports();
    expect(gap?.body).toMatchObject({ reason: "suspended", from_ms: before?.window.end_ms });
    expect((gap?.window.end_ms ?? 0) - (gap?.window.start_ms ?? 0)).toBe(30_000);
  });

  it("is a gap when the wall clock leaps ahead, as after a suspended machine", () => {
    head(null);
    run(5);
    now_ms += 3_600_000;
    run(1);
    expect(gaps()[0]).toMatchObject({ reason: "suspended" });
  });

  it("never makes windows overlap when the clock steps, whichever way", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: -20_000, max: 20_000 }),
            fc.integer({ min: 0, max: 9000 }),
            fc.boolean(),
          ),
          { maxLength: 60 },
        ),
        (steps) => {
          spool.close();
          db = openSpoolDatabase(freshPath());
          spool = createSpool(db, limits);
          start();
          head(null);
          for (const [step_ms, elapsed_ms, present] of steps) {
            now_ms += step_ms;
            elapse(elapsed_ms);
            sample(present ? "present" : "lost");
          }
          core.close();
          for (const report of reports()) {
            if (report.kind !== "telemetry") continue;
            const { start_ms, end_ms } = report.window;
            expect(report.body.present_ms).toBeLessThanOrEqual(end_ms - start_ms);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what comes down", () => {
  const beacon = (over = {}): DownBody => ({
    type: "beacon",
    number: 7,
    hash: `0x${"77".repeat(32)}`,
    time_ms: now_ms,
    ...over,
  });

  it("is not taken when forged, for another host, or repeated", () => {
    head(null);
    expect(down(beacon(), { key: newKey() })).toEqual({ type: "other" });
    expect(down(beacon(), { aud: "h-other" })).toEqual({ type: "other" });
    expect(down(beacon(), { seq: 1 })).toEqual({ type: "other" });
    expect(core.receive(Buffer.from("garbage"))).toEqual({ type: "other" });
    run(11);
    expect(reports().at(-1)?.beacon).toBeNull();
  });

  it("puts the newest beacon that a window can be younger than into reports, also after a restart", () => {
    head(null);
    down(beacon());
    down(beacon({ number: 8, time_ms: now_ms + 3_600_000 }));
    run(11);
    expect(reports().at(-1)?.beacon).toEqual({ number: 7, hash: `0x${"77".repeat(32)}` });
    down(beacon({ number: 9, time_ms: now_ms }));
    core.close();
    start();
    head(localHead());
    run(1);
    expect(reports().at(-1)?.beacon?.number).toBe(8);
  });

  it("lets go of what is anchored, and only that", () => {
    head(null);
    run(31);
    const rows = spool.waitingAfter(0, 10);
    const kept = rows.map(({ device, seq, statement }, idx) => ({ device, seq, statement, idx }));
    expect(
      down({ type: "receipt", received_at_ms: now_ms, kept: kept.slice(0, 2), refused: [] }),
    ).toMatchObject({
      type: "settled",
    });
    expect(core.devices()[0]?.last_receipt_ms).toBe(now_ms);
    down({ type: "anchored", size: 1, root: "", tx: "" });
    expect(reports().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("drops refused reports from the queue and goes on with the chain", () => {
    head(null);
    run(11);
    const [row] = spool.waitingAfter(0, 1);
    const digest = hash("sha256", row!.envelope, "hex");
    const refused = [{ device, digest, code: "SCHEMA_INVALID" }];
    expect(down({ type: "receipt", received_at_ms: now_ms, kept: [], refused })).toMatchObject({
      reports: [{ device, seq: 0 }],
    });
    run(10);
    expect(reports().map(({ seq }) => seq)).toEqual([1]);
  });

  it("sends what may be taken later again at the next head, and after ten minutes without one", () => {
    head(null);
    run(11);
    const [row] = spool.waitingAfter(0, 1);
    const digest = hash("sha256", row!.envelope, "hex");
    const refused = [{ device, digest, code: "BEACON_UNKNOWN" }];
    const refuse = () => down({ type: "receipt", received_at_ms: now_ms, kept: [], refused });
    expect(refuse()).toMatchObject({ reports: [{ device, seq: 0 }] });
    expect(spool.waitingAfter(0, 10)).toEqual([]);
    head(null);
    expect(spool.waitingAfter(0, 10)).toEqual([row]);
    refuse();
    elapse(599_000);
    core.tick();
    expect(spool.waitingAfter(0, 10)).toEqual([]);
    news = 0;
    elapse(1000);
    core.tick();
    expect(spool.waitingAfter(0, 10)).toEqual([row]);
    expect(news).toBe(1);
  });

  it("does not trip over a kind of message that it does not know", () => {
    expect(down({ type: "news" } as unknown as DownBody)).toEqual({ type: "other" });
  });
});

describe("a mint request", () => {
  const authorization = (over: Partial<MintAuthorization> = {}): MintAuthorization => ({
    chain_id: 31_337,
    contract: `0x${"cd".repeat(20)}`,
    recipient,
    device_key_hash: `0x${device}`,
    strong_identity: `0x${"0".repeat(64)}`,
    weak_identity: `0x${weakIdentityOf(uuid)}`,
    evidence: `0x${db.prepare("SELECT statement FROM report WHERE kind = 'inventory' ORDER BY seq").pluck().get()}`,
    log_origin: originHash("log.test/1"),
    header_hash: `0x${"12".repeat(32)}`,
    assurance: 0,
    predecessor: "0",
    nonce: "1",
    deadline: String(Math.floor(now_ms / 1000) + 3600),
    ...over,
  });
  const ask = (over?: Partial<MintAuthorization>) =>
    down({ type: "mint-request", device, authorization: authorization(over) });
  beforeEach(() => {
    head(null);
    core.onInventory([inventory()]);
    run(5);
  });

  it("is answered with a consent that the contract can check", () => {
    ask();
    expect(kinds()).toEqual(["inventory", "telemetry", "consent"]);
    const last = reports().at(-1)!;
    if (last.kind !== "consent") throw new Error("not a consent");
    expect(last.body.authorization).toEqual(authorization());
    const signature = Buffer.from(last.body.signature, "hex");
    expect(() => verifyEs256(mintAuthorizationMessage(authorization()), signature, deviceKey)).not.toThrow();
    run(10);
    expect(kinds().at(-1)).toBe("telemetry");
  });

  it("is answered once each time it is asked", () => {
    ask();
    down({ type: "mint-request", device, authorization: authorization() }, { seq: down_seq });
    expect(kinds().filter((kind) => kind === "consent")).toHaveLength(1);
    ask();
    expect(kinds().filter((kind) => kind === "consent")).toHaveLength(2);
  });

  it("is for one contract, also after a restart, until another is accepted on purpose", () => {
    const consents = () =>
      reports().flatMap(({ kind, body }) =>
        kind === "consent" ? [`${body.authorization.chain_id}:${body.authorization.contract}`] : [],
      );
    const first = `31337:0x${"cd".repeat(20)}`;
    const other = { contract: `0x${"ce".repeat(20)}` };
    const restart = (accept?: TitleContract): void => {
      core.close();
      elapse(1000);
      start("boot-1", accept);
      head(localHead());
      core.onInventory([inventory()]);
      run(5);
    };
    ask({ ...other, nonce: "x" });
    ask();
    ask(other);
    ask({ chain_id: 1 });
    restart();
    ask(other);
    expect(consents()).toEqual([first]);
    restart(`31337:${other.contract as `0x${string}`}`);
    ask();
    ask(other);
    restart();
    ask();
    ask(other);
    expect(consents()).toEqual([first, `31337:${other.contract}`, `31337:${other.contract}`]);
  });

  it("is refused without a report when a field is not ours", () => {
    ask({ recipient: `0x${"ac".repeat(20)}` });
    ask({ nonce: String(2n ** 64n) });
    down({ type: "mint-request", device: "0".repeat(64), authorization: authorization() });
    expect(kinds()).toEqual(["inventory"]);
  });
});

describe("a rotation request", () => {
  const nextKey = newKey();
  const next: SigningKey = {
    id: deviceIdOf(spkiOf(nextKey)),
    spki: spkiOf(nextKey),
    inTpm: false,
    sign: (message) => signEs256(message, nextKey),
  };
  const said = (): { report: Report; statement: string }[] =>
    (
      db.prepare("SELECT envelope, statement FROM report ORDER BY seq").all() as {
        envelope: Buffer;
        statement: string;
      }[]
    ).map(({ envelope, statement }) => ({ report: parseReport(parseEnvelope(envelope).payload), statement }));
  const rotation = (over: Partial<TitleRotation> = {}): TitleRotation => ({
    chain_id: 31_337,
    contract: `0x${"cd".repeat(20)}`,
    token_id: "7",
    old_key_hash: `0x${device}`,
    new_key_hash: `0x${next.id}`,
    evidence: `0x${said().find(({ report }) => report.kind === "rotate")!.statement}`,
    assurance: 0,
    nonce: "1",
    deadline: String(Math.floor(now_ms / 1000) + 3600),
    ...over,
  });
  const ask = (over?: Partial<TitleRotation>) =>
    down({ type: "rotation-request", device: next.id, rotation: rotation(over) });
  const answers = () => said().filter(({ report }) => report.kind === "rotate-title");
  beforeEach(() => {
    discarded.length = 0;
    head(null);
    run(5);
    keyring.set(next.id, next);
    core.rotate(uuid, () => next);
    run(2);
  });
  afterEach(() => void keyring.delete(next.id));

  it("is answered by the old key and the new one, in the new one's chain", () => {
    ask();
    const [{ report }] = answers() as [{ report: Report; statement: string }];
    if (report.kind !== "rotate-title") throw new Error("not an answer");
    expect(report.device).toBe(next.id);
    expect(report.body.rotation).toEqual(rotation());
    const message = titleRotationMessage(rotation());
    const { old_signature, new_signature } = report.body;
    expect(() => verifyEs256(message, Buffer.from(old_signature, "hex"), deviceKey)).not.toThrow();
    expect(() => verifyEs256(message, Buffer.from(new_signature, "hex"), nextKey)).not.toThrow();
  });

  it("is refused when a field is not ours, and keeps to the first contract", () => {
    ask({ new_key_hash: `0x${device}` });
    ask({ old_key_hash: `0x${"5".repeat(64)}` });
    ask({ evidence: `0x${"5".repeat(64)}` });
    ask({ assurance: 1 });
    expect(answers()).toEqual([]);
    ask();
    ask({ contract: `0x${"ce".repeat(20)}` });
    expect(answers()).toHaveLength(1);
  });

  it("cannot be answered when the old key is gone", () => {
    keyring.delete(device);
    keyring.set(device, next);
    ask();
    keyring.set(device, key);
    expect(answers()).toEqual([]);
  });

  it("is followed by the end of the old key, once the title names the new one", () => {
    down({ type: "title-key", device });
    down({ type: "title-key", device: next.id });
    expect(discarded, "before the next key has signed for a title").toEqual([]);
    ask();
    down({ type: "title-key", device });
    expect(discarded).toEqual([]);
    down({ type: "title-key", device: next.id });
    expect(discarded).toEqual([[uuid, next.id]]);
  });
});

describe("a replacement request", () => {
  const replacement = (over: Partial<TitleReplacement> = {}): TitleReplacement => ({
    chain_id: 31_337,
    contract: `0x${"cd".repeat(20)}`,
    token_id: "7",
    fingerprint: `0x${"12".repeat(32)}`,
    device_key_hash: `0x${device}`,
    strong_identity: `0x${"0".repeat(64)}`,
    weak_identity: `0x${weakIdentityOf(uuid)}`,
    evidence: `0x${db.prepare("SELECT statement FROM report WHERE kind = 'inventory' ORDER BY seq DESC").pluck().get()}`,
    log_origin: originHash("log.test/1"),
    header_hash: `0x${"0".repeat(64)}`,
    assurance: 0,
    predecessor: "0",
    nonce: "0",
    deadline: String(Math.floor(now_ms / 1000) + 6 * 24 * 3600),
    ...over,
  });
  const ask = (asked: TitleReplacement) => down({ type: "replacement-request", device, replacement: asked });
  const answers = () => reports().flatMap((report) => (report.kind === "replace-title" ? [report.body] : []));
  const begin = (accept?: string): TitleReplacement => {
    core.close();
    elapse(1000);
    start("boot-1", undefined, accept);
    head(spool.head(device));
    core.onInventory([inventory()]);
    run(2);
    return replacement();
  };

  it("is answered for the one token that was accepted, and keeps to its contract from then on", () => {
    const asked = begin("7");
    ask(asked);
    const [{ replacement: said, signature }] = answers() as [ReturnType<typeof answers>[number]];
    expect(said).toEqual(asked);
    const message = titleReplacementMessage(asked);
    expect(() => verifyEs256(message, Buffer.from(signature, "hex"), deviceKey)).not.toThrow();
    ask({ ...asked, contract: `0x${"ce".repeat(20)}` });
    ask({ ...asked, token_id: "8" });
    ask({ ...asked, evidence: `0x${"5".repeat(64)}` });
    down({ type: "replacement-request", device: "0".repeat(64), replacement: asked });
    expect(answers()).toHaveLength(1);
  });

  it("is not answered by a host that accepted none", () => {
    ask(begin());
    expect(answers()).toEqual([]);
  });

  it("leaves no room for a title of the device's own meanwhile", () => {
    const { chain_id, contract, device_key_hash, strong_identity, weak_identity, evidence, log_origin } =
      begin("7");
    const terms = {
      chain_id,
      contract,
      device_key_hash,
      strong_identity,
      weak_identity,
      evidence,
      log_origin,
    };
    const own = { recipient, header_hash: `0x${"0".repeat(64)}`, assurance: 0, predecessor: "0", nonce: "0" };
    const deadline = String(Math.floor(now_ms / 1000) + 3600);
    const request = () =>
      down({ type: "mint-request", device, authorization: { ...terms, ...own, deadline } });
    request();
    expect(kinds()).not.toContain("consent");
    begin();
    request();
    expect(kinds()).toContain("consent");
  });
});

describe("a full spool", () => {
  it("drops the oldest and says so in a signed gap", () => {
    spool.close();
    limits = { ...limits, max_reports: 20 };
    db = openSpoolDatabase(freshPath());
    spool = createSpool(db, limits);
    start();
    head(null);
    run(400);
    const all = reports();
    expect(all.length).toBeLessThanOrEqual(21);
    const told = gaps().filter(({ reason }) => reason === "spool_overflow");
    expect(told.length).toBeGreaterThan(0);
    // Nothing is missing that no gap tells of.
    const missing = Array.from({ length: all[0]!.seq }, (_, seq) => seq);
    const covered = (seq: number) =>
      told.some(({ dropped }) => dropped !== null && dropped.from_seq <= seq && seq <= dropped.to_seq);
    expect(missing.filter((seq) => !covered(seq))).toEqual([]);
    expect(missing.length).toBeGreaterThan(20);
  });
});

describe("a pause", () => {
  it("is a report of its own, for one GPU or all", () => {
    head(null);
    run(3);
    const body = { from_ms: now_ms + 1000, until_ms: now_ms + 60_000, reason: "new fans" };
    expect(core.pause(null, body)).toBe(1);
    expect(reports().at(-1)).toMatchObject({ kind: "pause", body });
    expect(() => core.pause("GPU-b", body)).toThrow("no such GPU");
  });

  it("cannot be announced before the chain is taken up", () => {
    const body = { from_ms: now_ms, until_ms: now_ms + 60_000, reason: "new fans" };
    expect(() => core.pause(uuid, body)).toThrow("wait for the registry");
    expect(reports()).toEqual([]);
  });
});

it("a message that the registry's key hands over with is heard once; then the next key alone is", () => {
  const change = { to_spki: "next" } as RegistryKeyChange;
  try {
    down({ type: "registry-key", change });
    expect(followed).toEqual([change]);
    // The former key leads nowhere any more: neither with the change said again, nor with anything else.
    down({ type: "registry-key", change });
    expect(followed).toEqual([change]);
    const nonce = "2".repeat(32);
    expect(down({ type: "head", nonce, heads: [] })).toEqual({ type: "other" });
    expect(down({ type: "head", nonce, heads: [] }, { key: nextRegistryKey })).toEqual({
      type: "head",
      nonce,
    });
  } finally {
    trusted = { now: registryKey, former: null };
    followed.length = 0;
  }
});
