import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { DownBody } from "../../protocol/down/downMessage.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import type { Report } from "../../protocol/report/schema.js";
import { presenceTopic } from "../../protocol/topics.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { issueClientCertificate } from "../../registry/enrol/issueClientCertificate.js";
import { askAgent } from "../control/askAgent.js";
import { identityFile } from "../enrol/identityFile.js";
import { fileKeyStore } from "../keys/fileKeyStore.js";
import type { Transport } from "../publisher/transport.js";
import { noReading } from "../sources/noReading.js";
import type { SourceListener, TelemetrySource } from "../sources/telemetrySource.js";
import { openSpoolDatabase } from "../spool/openSpoolDatabase.js";
import { agentName } from "./agentName.js";
import { lockDataDir } from "./lockDataDir.js";
import { type Agent, type AgentOptions, startAgent } from "./startAgent.js";
import { statusFile } from "./statusFile.js";
import { systemClock } from "./systemClock.js";

const uuid = "GPU-a";
const host = "h-test";
const registryKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
let data_dir: string;
let device: string;
let agent: Agent | null;
let reports: Report[];
let listener: SourceListener | null;
let down_seq = 0;

/** A registry at the other end of a wire that never fails: it gives heads, and receipts for what it gets. */
const transport: Transport = async (_session, { onMessage }) => ({
  async publish(topic, payload) {
    const tell = (body: DownBody): void => {
      const message = {
        v: 1,
        aud: host,
        seq: ++down_seq,
        issued_ms: 0,
        expires_ms: Date.now() + 10_000,
        body,
      };
      const { envelope } = signEnvelope(payloadTypes.down, Buffer.from(JSON.stringify(message)), registryKey);
      setImmediate(() => onMessage(encodeEnvelope(envelope, "")));
    };
    if (topic === presenceTopic(host)) {
      const { state, nonce } = JSON.parse(payload.toString());
      if (state === "online") tell({ type: "head", nonce, heads: [{ device, head: null }] });
      return;
    }
    reports.push(parseReport(parseEnvelope(payload).payload));
  },
  close: async () => undefined,
});
const source = (): TelemetrySource => ({
  name: "nvidia-smi",
  start: async (to) => {
    listener = to;
  },
  stop: async () => {
    listener = null;
  },
  inventory: () => [],
});
const sample = (): void =>
  listener?.onSamples([
    {
      uuid,
      source: "nvidia-smi",
      supplied: [],
      xids: [],
      presence: "present",
      at_ms: systemClock.now_ms(),
      at_mono_ms: systemClock.mono_ms(),
      ...noReading,
    },
  ]);
const start = (over: Partial<AgentOptions> = {}): Promise<Agent> =>
  startAgent({
    data_dir,
    source,
    host_facts: null,
    transport,
    clock: systemClock,
    random: Math.random,
    log: pino({ level: "silent" }),
    ...over,
  });
const until = async (met: () => boolean): Promise<void> => {
  for (let n = 0; !met(); n++) {
    if (n > 500) throw new Error("it never happened");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-agent-"));
  const keys = fileKeyStore(join(data_dir, "keys"));
  keys.create([uuid]);
  device = keys.deviceKey(uuid).id;
  const ca = createCa({ commonName: "test", now_ms: Date.now() });
  const lifetime = { now_ms: Date.now(), lifetime_ms: 3_600_000 };
  identityFile(data_dir).save({
    v: 1,
    host,
    certificate: issueClientCertificate(ca, { role: "host", id: host }, spkiOf(keys.hostKey()), lifetime),
    ca: ca.certificate,
    registry_spki: spkiOf(registryKey).toString("base64"),
    mqtt_url: "mqtts://127.0.0.1:1",
    log_origin: "log.test/1",
    window_ms: 10_000,
    recipient: `0x${"ab".repeat(20)}`,
    enrol_url: "https://127.0.0.1:1",
    label: "test",
    simulated: true,
    keys: { store: "file" },
    devices: [{ uuid, device }],
  });
  reports = [];
  listener = null;
  agent = null;
});
afterEach(async () => {
  await agent?.stop();
  rmSync(data_dir, { recursive: true });
});

describe("startAgent", () => {
  it("runs from first sample to last report, and stops within two seconds", async () => {
    agent = await start();
    await until(() => listener !== null);
    expect(statusFile(data_dir).read().devices).toMatchObject([{ uuid, open: false, head_seq: null }]);
    const pause = () =>
      askAgent(data_dir, {
        type: "pause",
        gpu: uuid,
        from_ms: Date.now(),
        until_ms: Date.now() + 60_000,
        reason: "new fans",
      });
    await expect(pause()).rejects.toMatchObject({ code: "CHAIN_NOT_OPEN" });
    // The head is on its way; the first sample after it takes the chain up.
    await new Promise((resolve) => setTimeout(resolve, 100));
    sample();
    expect(await pause()).toBe(1);
    sample();
    const before = performance.now();
    await agent.stop();
    agent = null;
    expect(performance.now() - before).toBeLessThan(2000);
    expect(reports.map(({ kind }) => kind)).toEqual(["telemetry", "pause", "telemetry"]);
    expect(reports.every((report) => report.device === device && report.simulated)).toBe(true);
    expect(() => statusFile(data_dir).read()).toThrow("no agent runs");
  });

  it("is alone on its data directory", async () => {
    agent = await start();
    await expect(start()).rejects.toMatchObject({ code: "DATA_DIR_LOCKED" });
    await agent.stop();
    agent = null;
    lockDataDir(data_dir)();
  });

  it("remembers the contract that was accepted", async () => {
    const accept_contract = `31337:0x${"cd".repeat(20)}` as const;
    for (const over of [{ accept_contract }, {}]) {
      agent = await start(over);
      await agent.stop();
      agent = null;
    }
    const db = openSpoolDatabase(join(data_dir, "spool.db"));
    expect(db.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(`contract:${device}`)).toBe(
      accept_contract,
    );
    db.close();
  });

  it("gives the directory free when it cannot start", async () => {
    identityFile(data_dir).remove();
    await expect(start()).rejects.toMatchObject({ code: "NOT_ENROLLED" });
    lockDataDir(data_dir)();
  });

  it("does not sign with a key that was not enrolled", async () => {
    const file = identityFile(data_dir);
    file.save({ ...file.load(), devices: [{ uuid, device: "0".repeat(64) }] });
    await expect(start()).rejects.toMatchObject({ code: "KEY_MISMATCH" });
  });

  it("keeps everything to itself in its data directory", async () => {
    agent = await start();
    for (const name of ["spool.db", "status.json", "identity.json", "agent.lock", "control.sock"]) {
      expect(statSync(join(data_dir, name)).mode & 0o077).toBe(0);
    }
  });
});

describe("agentName", () => {
  it("has the package's version", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(agentName).toBe(`caliber-agent/${version}`);
  });
});
