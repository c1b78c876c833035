import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { askAgent } from "../../agent/control/askAgent.js";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { identityFile } from "../../agent/enrol/identityFile.js";
import type { TpmWord } from "../../agent/keys/keyStore.js";
import { tpmKeyStore } from "../../agent/keys/tpmKeyStore.js";
import { mqttTransport } from "../../agent/publisher/mqttTransport.js";
import { type Agent, startAgent } from "../../agent/runtime/startAgent.js";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { noReading } from "../../agent/sources/noReading.js";
import type { TelemetrySource } from "../../agent/sources/telemetrySource.js";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { checkSuccessorResidency } from "../../protocol/rotation/checkSuccessorResidency.js";
import { rotationQualification } from "../../protocol/tpm/rotationQualification.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import type { DeviceFold } from "../../registry/health/deviceFold.js";
import { openDatabase } from "../../registry/store/openDatabase.js";
import { rebuild, tableDigests } from "../../registry/store/rebuild.js";
import { deviceAttributes, newKey, publicArea } from "../support/forgedTpm.js";
import { describeWithTpm, type Swtpm, startSwtpm } from "../support/swtpm.js";
import { inventoryOf } from "../support/testReports.js";
import { until } from "../support/until.js";

const uuid = "GPU-a";
const log = pino({ level: "silent" });

describeWithTpm("a host with its keys in a TPM", () => {
  let root: string;
  let tpm: Swtpm;
  let other: Swtpm;
  let registry: Registry | null;
  let agent: Agent | null;
  const registryDir = (): string => join(root, "registry");
  const hostDir = (): string => join(root, "host");

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "caliber-tpm-rotation-"));
    [tpm, other] = await Promise.all([startSwtpm(), startSwtpm()]);
    agent = null;
    registry = await createRegistry({
      data_dir: registryDir(),
      bind: "127.0.0.1",
      api_bind: "127.0.0.1",
      server_names: ["localhost"],
      mqtt_port: 0,
      enrol_port: 0,
      api_port: 0,
      host_packets_per_s: 1000,
      policy: "demo",
      window_ms: 1000,
      tick_ms: 500,
      chain: null,
      log,
      now_ms: Date.now,
      onFatal(error) {
        throw error;
      },
    });
    const keys = tpmKeyStore(join(hostDir(), "keys"), tpm.tcti);
    const ek = createHash("sha256").update(keys.residency!.endorsement().ek_spki).digest("hex");
    const token = createEnrolToken({
      data_dir: registryDir(),
      url: `https://localhost:${registry.enrol_port}`,
      recipient: `0x${"11".repeat(20)}`,
      operator: "test",
      valid_ms: 60_000,
      ek_sha256: [ek],
      now_ms: Date.now(),
    });
    const identity = await enrolHost({
      token: parseEnrolToken(token),
      keys,
      store: { store: "tpm", tcti: tpm.tcti },
      uuids: [uuid],
      label: "rack-1",
      simulated: true,
      known: null,
    });
    identityFile(hostDir()).save(identity);
  });
  afterEach(async () => {
    await agent?.stop();
    await registry?.stop();
    await Promise.all([tpm.stop(), other.stop()]);
    rmSync(root, { recursive: true });
  });

  /** A GPU that answers every quarter of a second. */
  const source = (): TelemetrySource => {
    let timer: NodeJS.Timeout;
    const inventory = () => [inventoryOf(uuid)];
    return {
      name: "nvidia-smi",
      start: async ({ onSamples, onInventory }) => {
        onInventory(inventory());
        timer = setInterval(() => {
          const at = { at_ms: systemClock.now_ms(), at_mono_ms: systemClock.mono_ms() };
          const told = { uuid, source: "nvidia-smi" as const, supplied: [], xids: [] };
          onSamples([{ ...noReading, ...told, presence: "present" as const, ...at }]);
        }, 250);
      },
      stop: async () => clearInterval(timer),
      inventory,
    };
  };
  const run = async (): Promise<void> => {
    agent = await startAgent({
      data_dir: hostDir(),
      source,
      host_facts: null,
      transport: mqttTransport,
      clock: systemClock,
      random: Math.random,
      log,
    });
  };
  const read = <T>(sql: string): T[] => {
    const db = openDatabase(databasePath(registryDir()));
    try {
      return db.prepare<[], T>(sql).pluck().all();
    } finally {
      db.close();
    }
  };
  const fold = (): DeviceFold => JSON.parse(read<string>("SELECT fold FROM device_fold")[0]!) as DeviceFold;
  const reported = (n: number): Promise<unknown> =>
    until(`report ${n}`, 20_000, () => (read<number | null>("SELECT max(seq) FROM report")[0] ?? -1) >= n);

  it("a next key that claims to be in the TPM of the enrolment: in a file, in another TPM, or vouched for in another rotation", () => {
    const own = tpmKeyStore(join(hostDir(), "keys"), tpm.tcti);
    const foreign = tpmKeyStore(join(root, "foreign"), other.tcti);
    foreign.create([uuid]);
    const ak = own.residency!.endorsement().ak;
    const { id: device } = own.deviceKey(uuid);
    const inTpm = own.createSuccessor(uuid);
    const file = newKey();
    const spki = spkiOf(file);
    const next = { id: deviceIdOf(spki), spki };
    const check = (to: { id: string; spki: Buffer }, word: TpmWord): void => {
      const tpm = {
        public: word.public.toString("base64"),
        attest: word.attest.toString("base64"),
        signature: word.signature.toString("base64"),
      };
      const body = { successor_spki: to.spki.toString("base64"), proof: "", tpm };
      checkSuccessorResidency({ device, body }, { device: to.id, spki: to.spki }, ak);
    };
    const honest = inTpm.certify!(rotationQualification(device, inTpm.id));
    expect(() => check(inTpm, honest)).not.toThrow();
    const refused = expect.objectContaining({ code: "SUCCESSOR_INVALID" });
    // The TPM signs whatever its host wants signed along, and no other name than that of a key that it made.
    expect(() => check(next, inTpm.certify!(rotationQualification(device, next.id)))).toThrow(refused);
    expect(() => check(next, { ...honest, public: publicArea(file, deviceAttributes) })).toThrow(refused);
    const there = foreign.deviceKey(uuid);
    expect(() => check(there, there.certify!(rotationQualification(device, there.id)))).toThrow(refused);
    expect(() => check(inTpm, inTpm.certify!(rotationQualification(next.id, inTpm.id)))).toThrow(refused);
  });

  it("a key in a TPM that is rotated twice goes on in that TPM, and its files are worth nothing in another", async () => {
    await run();
    await reported(2);
    const ids = [fold().device];
    for (const _round of [0, 1]) {
      expect(fold().key).toBe("tpm");
      expect(await askAgent(hostDir(), { type: "rotate", gpu: null })).toBe(1);
      await until("the rotation", 20_000, () => fold().device !== ids.at(-1));
      ids.push(fold().device);
      await reported(fold().former_keys.at(-1)!.last_seq + 2);
    }
    expect(fold()).toMatchObject({ key: "tpm", missing: 0, dispute: null, state: "healthy" });
    expect(fold().former_keys.map(({ device }) => device)).toEqual(ids.slice(0, 2));
    expect(readdirSync(join(hostDir(), "keys")).filter((name) => name.endsWith(".tpm"))).toHaveLength(3);

    // A restart goes on under the last key; the TPM may have been reset meanwhile.
    await agent?.stop();
    await tpm.reset();
    await run();
    await reported(fold().head!.seq + 3);
    expect(fold()).toMatchObject({ device: ids[2], missing: 0 });
    await agent?.stop();
    agent = null;
    const stolen = tpmKeyStore(join(hostDir(), "keys"), other.tcti).deviceKey(uuid, ids[2]);
    expect(stolen.id).toBe(ids[2]);
    expect(() => stolen.sign(Buffer.from("m"))).toThrow(expect.objectContaining({ code: "TPM_FAILED" }));

    await registry!.stop();
    registry = null;
    const db = openDatabase(databasePath(registryDir()));
    const before = tableDigests(db);
    expect(rebuild(db).digests).toEqual(before);
    db.close();
  }, 120_000);
});
