import { type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import type { CaliberError } from "../../protocol/errors.js";
import type { HostFacts } from "../../protocol/report/schema.js";
import { controlServer } from "../control/controlServer.js";
import type { Identity } from "../enrol/identity.js";
import { identityFile } from "../enrol/identityFile.js";
import type { EvidenceCollector } from "../evidence/evidenceCollector.js";
import { openKeyStore } from "../keys/openKeyStore.js";
import { createPublisher, type Publisher } from "../publisher/createPublisher.js";
import type { Session, Transport } from "../publisher/transport.js";
import type { SourceClock, TelemetrySource } from "../sources/telemetrySource.js";
import { createSpool } from "../spool/createSpool.js";
import { openSpoolDatabase } from "../spool/openSpoolDatabase.js";
import type { SpoolLimits } from "../spool/spool.js";
import { agentName } from "./agentName.js";
import { createAgentCore, type RegistryKeys } from "./createAgentCore.js";
import { createRenewal } from "./createRenewal.js";
import { lockDataDir } from "./lockDataDir.js";
import { machineBoot } from "./machineBoot.js";
import type { TitleContract } from "./parseTitleContract.js";
import { statusFile } from "./statusFile.js";

export type AgentOptions = {
  data_dir: string;
  /** Opened once it is known which GPUs to expect, and whether they are a simulator's. */
  source: (host: {
    known: readonly string[];
    simulated: boolean;
  }) => TelemetrySource | Promise<TelemetrySource>;
  /** What the machine says of itself; goes into every inventory. */
  host_facts: HostFacts | null;
  /** Opened likewise; null where no GPU is to be asked for evidence. */
  collector?: (host: { simulated: boolean }) => EvidenceCollector | null;
  transport: Transport;
  clock: SourceClock;
  random: () => number;
  log: Logger;
  interval_ms?: number;
  limits?: Partial<SpoolLimits>;
  /** See AgentCoreOptions. */
  accept_contract?: TitleContract | undefined;
  /** See AgentCoreOptions. */
  accept_replacement?: string | undefined;
};

export type Agent = {
  /** Closes windows into reports, tries once to bring them out, and ends; within a second as a rule, 2 s at most. */
  stop(): Promise<void>;
};

const day_ms = 86_400_000;
const mib = 1024 * 1024;
const flush_ms = 400;
const status_every_ms = 5000;
const renewal_every_ms = 60_000;

/**
 * Starts the agent of a data directory: lock, keys, identity, spool, publisher, source, in this order.
 *
 * @throws CaliberError DATA_DIR_LOCKED, NOT_ENROLLED, KEY_MISSING, KEY_MISMATCH …
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const unlock = lockDataDir(options.data_dir);
  try {
    return await startLocked(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** The registry's keys of an identity, parsed once as long as it stays the same one. */
function registryKeysOf(identity: () => Identity): () => RegistryKeys {
  const keyOf = (spki: string): KeyObject => publicKeyFromSpki(Buffer.from(spki, "base64"));
  const parse = ({ registry_spki: now, registry_former: former }: Identity): RegistryKeys => ({
    now: keyOf(now),
    former: former === undefined ? null : keyOf(former),
  });
  let of = identity();
  let keys = parse(of);
  return () => {
    if (identity() !== of) {
      of = identity();
      keys = parse(of);
    }
    return keys;
  };
}

async function startLocked(options: AgentOptions, unlock: () => void): Promise<Agent> {
  const { data_dir, host_facts, transport, clock, random, log, interval_ms = 1000 } = options;
  const { now_ms } = clock;
  const started_ms = now_ms();
  const file = identityFile(data_dir);
  const keys = openKeyStore(data_dir, file.load().keys);
  const renewal = createRenewal({ file, keys, now_ms, random, log });
  const identity = renewal.identity();
  const hostKey = keys.hostKey().export({ format: "pem", type: "pkcs8" }) as string;
  const known = identity.devices.map(({ uuid }) => uuid);
  const source = await options.source({ known, simulated: identity.simulated });
  const week_of_windows = Math.ceil((7 * day_ms) / identity.window_ms) * Math.max(1, identity.devices.length);
  const spool = createSpool(openSpoolDatabase(join(data_dir, "spool.db")), {
    max_reports: week_of_windows,
    max_report_bytes: 512 * mib,
    max_sample_bytes: 128 * mib,
    ...options.limits,
  });

  let publisher: Publisher | null = null;
  const core = createAgentCore({
    identity,
    keyOf: keys.deviceKey,
    discardFormer: keys.discardFormer,
    registryKeys: registryKeysOf(renewal.identity),
    followRegistry: renewal.follow,
    spool,
    clock,
    boot: randomBytes(16).toString("hex"),
    machine_boot: machineBoot(),
    interval_ms,
    source: source.name,
    host_facts,
    accept_contract: options.accept_contract,
    accept_replacement: options.accept_replacement,
    collector: options.collector?.({ simulated: identity.simulated }),
    onNews: () => publisher?.pump(),
    log,
  });
  const session = async (renew: boolean): Promise<Session> => {
    if (renew || renewal.hasExpired()) await renewal.renew();
    const { mqtt_url: url, host, ca, certificate } = renewal.identity();
    return { url, host, ca, certificate, key: hostKey };
  };
  publisher = createPublisher({
    transport,
    spool,
    session,
    receive: core.receive,
    mono_ms: clock.mono_ms,
    random,
    log,
  });
  const published = publisher;

  const status = statusFile(data_dir);
  const writeStatus = (): void => {
    const { host, simulated, mqtt_url, certificate } = renewal.identity();
    status.write({
      v: 1,
      pid: process.pid,
      agent: agentName,
      host,
      simulated,
      updated_ms: now_ms(),
      started_ms,
      connected: published.connected(),
      mqtt_url,
      in_flight: published.inFlight(),
      spool: spool.depth(),
      certificate_expires_ms: Date.parse(new X509Certificate(certificate).validTo),
      devices: core.devices(),
    });
  };
  const renewWhenDue = (): void => {
    if (!renewal.isDue()) return;
    renewal.renew().then(published.reconnect, (error: CaliberError) => {
      log.warn({ code: error.code, why: error.message }, "the certificate could not be renewed yet");
    });
  };

  /** The spool is what counts; the file is for who looks while no agent runs, and for the next enrolment. */
  const keepDevices = (): void => {
    const inForce = core.devices().map(({ uuid, device }) => ({ uuid, device }));
    const enrolled = renewal.identity().devices;
    if (JSON.stringify(inForce) === JSON.stringify(enrolled)) return;
    renewal.setDevices(inForce);
    const uuids = new Set(inForce.map(({ uuid }) => uuid));
    for (const { uuid } of enrolled) if (!uuids.has(uuid)) keys.discard(uuid);
  };
  keepDevices();
  const closeControl = await controlServer(data_dir, (request) => {
    const { gpu } = request;
    if (request.type === "pause") {
      const { from_ms, until_ms, reason } = request;
      return core.pause(gpu, { from_ms, until_ms, reason });
    }
    try {
      return request.type === "rotate"
        ? core.rotate(gpu, keys.createSuccessor)
        : core.retire(request.gpu, request.reason);
    } finally {
      // Of several, some may have been done before one failed.
      keepDevices();
    }
  });
  const timers = [
    setInterval(core.tick, 1000),
    setInterval(writeStatus, status_every_ms),
    setInterval(renewWhenDue, renewal_every_ms * (1 + random() / 4)),
  ];
  published.start();
  writeStatus();
  const { host, devices, simulated } = identity;
  log.info({ host, devices: devices.length, simulated, data_dir }, "agent started");

  const reading = source.start({
    onSamples: core.onSamples,
    onInventory: core.onInventory,
    onProblem: ({ code, message, details }) => log.warn({ code, details }, message),
  });
  reading.catch((error: unknown) => {
    log.fatal({ err: error }, "the telemetry source failed");
    throw error;
  });

  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await source.stop();
      core.close();
      await Promise.all([published.stop(flush_ms), closeControl()]);
      spool.close();
      status.remove();
      unlock();
      log.info("agent stopped");
    },
  };
}
