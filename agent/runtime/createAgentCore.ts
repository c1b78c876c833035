import type { KeyObject } from "node:crypto";
import type { Logger } from "pino";
import type { DownMessage, HeadBody } from "../../protocol/down/downMessage.js";
import { openDown } from "../../protocol/down/openDown.js";
import { openEnvelope } from "../../protocol/dsse/openEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { CaliberError } from "../../protocol/errors.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { HostFacts, InventoryBody, PauseReport, SourceName } from "../../protocol/report/schema.js";
import type { Identity } from "../enrol/identity.js";
import { createAnswerDesk } from "../evidence/createAnswerDesk.js";
import type { AskedGpu, EvidenceCollector } from "../evidence/evidenceCollector.js";
import type { SigningKey } from "../keys/keyStore.js";
import type { Heard } from "../publisher/createPublisher.js";
import type { GpuSample, SourceClock } from "../sources/telemetrySource.js";
import type { Spool } from "../spool/spool.js";
import { createSeriesWatch } from "../window/createSeriesWatch.js";
import { createBeaconShelf } from "./beaconShelf.js";
import type { Device } from "./coreDevice.js";
import { createDeviceMonitor } from "./createDeviceMonitor.js";
import { createKeyLedger } from "./createKeyLedger.js";
import { createReportSigner, type ReportSigner } from "./createReportSigner.js";
import { createTitleAnswers } from "./createTitleAnswers.js";
import { joinDropped, tellDropped } from "./droppedReports.js";
import { retireDevice, rotateDevice } from "./endKey.js";
import { joinHeads } from "./joinHeads.js";
import type { TitleContract } from "./parseTitleContract.js";
import { hasSignedForTitle } from "./rememberTitle.js";

/** The registry's receipt key, and the one that it had before. */
export type RegistryKeys = { now: KeyObject; former: KeyObject | null };

export type AgentCoreOptions = {
  identity: Pick<Identity, "host" | "devices" | "simulated" | "window_ms" | "recipient" | "log_origin">;
  /** The key of each enrolled GPU, by its UUID and the id of the one in force. */
  keyOf: (uuid: string, device: string) => SigningKey;
  /** Deletes the keys of a GPU that came before this one. */
  discardFormer: (uuid: string, device: string) => void;
  registryKeys: () => RegistryKeys;
  /** Goes over to the registry's next key; false when the change leads no further. @throws CaliberError */
  followRegistry: (change: RegistryKeyChange) => boolean;
  spool: Spool;
  clock: SourceClock;
  /** 16 random bytes of this process, hex. */
  boot: string;
  /** Differs after a reboot of the machine; null where the system does not say. */
  machine_boot: string | null;
  interval_ms: number;
  /** Where the readings come from first. */
  source: SourceName;
  /** What the machine says of itself, for every inventory; null when nothing can be read of it. */
  host_facts: HostFacts | null;
  /** Accepted on purpose: every device consents to this contract from now on, and to no other. */
  accept_contract?: TitleContract | undefined;
  /** The one token that GPUs of this host may stand in for; while it is given they consent to no title of their own. */
  accept_replacement?: string | undefined;
  /** Asks GPUs for evidence; null where nothing can. */
  collector?: EvidenceCollector | null | undefined;
  /** How long to wait for the registry's heads before a chain with a record of its own goes on without. */
  head_wait_ms?: number;
  /** Reports were signed. */
  onNews: () => void;
  log: Logger;
};

export type DeviceStatus = {
  uuid: string;
  device: string;
  presence: string | null;
  /** False while the chain waits for the registry's head: nothing is signed yet. */
  open: boolean;
  head_seq: number | null;
  last_report_ms: number | null;
  last_receipt_ms: number | null;
};

export type AgentCore = {
  onSamples(samples: readonly GpuSample[]): void;
  onInventory(gpus: readonly InventoryBody[]): void;
  /** A message from the down topic. Throws only what must end the process. */
  receive(bytes: Buffer): Heard;
  /** To be called about once a second. */
  tick(): void;
  /** Announces a pause for one GPU or all (null). @throws CaliberError GPU_UNKNOWN, CHAIN_NOT_OPEN */
  pause(uuid: string | null, body: PauseReport["body"]): number;
  /**
   * Hands the chain of one GPU, or of all (null), to a key that `newKey` makes.
   *
   * @throws CaliberError GPU_UNKNOWN, CHAIN_NOT_OPEN, and what `newKey` throws
   */
  rotate(uuid: string | null, newKey: (uuid: string) => SigningKey): number;
  /** Ends the chain of one GPU, for good. @throws CaliberError GPU_UNKNOWN, CHAIN_NOT_OPEN */
  retire(uuid: string, reason: string): number;
  /** Signs what is open. Nothing may be signed afterwards. */
  close(): void;
  devices(): DeviceStatus[];
};

/** Reports that were set aside are tried again this often, without a head as well. */
const release_every_ms = 10 * 60_000;

/** The agent without processes, sockets and timers: samples and down messages in, signed reports in the spool. */
export function createAgentCore(options: AgentCoreOptions): AgentCore {
  const {
    identity,
    keyOf,
    discardFormer,
    registryKeys,
    followRegistry,
    spool,
    clock,
    boot,
    machine_boot,
    interval_ms,
    log,
  } = options;
  const { head_wait_ms = 20_000, collector = null, onNews, accept_contract, source, host_facts } = options;
  const { host, simulated, window_ms } = identity;
  const started_mono_ms = clock.mono_ms();
  const beacons = createBeaconShelf(spool);
  const restart = rebooted(spool, machine_boot) ? "reboot" : "restart";
  const series = createSeriesWatch();
  const keys = createKeyLedger(spool);
  const signerOf = (key: SigningKey): ReportSigner =>
    createReportSigner({ key, host, boot, source, simulated, spool, beacons, log });
  const devices: Device[] = keys.inForce(identity.devices).map(({ uuid, device }) => {
    const key = keyOf(uuid, device);
    if (key.id !== device) {
      throw new CaliberError("KEY_MISMATCH", `the key filed for ${uuid} is not the one that was enrolled`, {
        disposition: "user",
      });
    }
    const signer = signerOf(key);
    const monitor = createDeviceMonitor({ uuid, signer, series, window_ms, interval_ms, log });
    return { uuid, device, key, monitor, placed: false, untold: null, last_receipt_ms: null };
  });
  const byDevice = new Map(devices.map((entry) => [entry.device, entry]));
  const byUuid = new Map(devices.map((entry) => [entry.uuid, entry]));
  const chosen = (uuid: string | null): Device[] => {
    const found = uuid === null ? [...devices] : devices.filter((entry) => entry.uuid === uuid);
    if (found.length > 0) return found;
    throw new CaliberError("GPU_UNKNOWN", "no such GPU is enrolled", { disposition: "user" });
  };
  const requireAll = (done: number, wanted: number): number => {
    onNews();
    if (done === wanted) return done;
    const message = `${wanted - done} devices wait for the registry still`;
    throw new CaliberError("CHAIN_NOT_OPEN", message, { disposition: "retryable" });
  };
  const pin = (device: string, contract: TitleContract): void =>
    spool.setMeta(`contract:${device}`, contract);
  if (accept_contract !== undefined) {
    spool.transaction(() => {
      for (const { device } of devices) pin(device, accept_contract);
    });
  }
  const unknown = new Set<string>();
  const gpus = new Map<string, AskedGpu>();
  const desk =
    collector &&
    createAnswerDesk({
      collector,
      log_origin: identity.log_origin,
      now_ms: clock.now_ms,
      facts(device) {
        const gpu = gpus.get(byDevice.get(device)?.uuid ?? "");
        const chain_head = spool.head(device)?.statement;
        if (gpu === undefined || chain_head === undefined) return null;
        return { gpu, chain_head, beacon: beacons.for(clock.now_ms()) };
      },
      answered(device, body, strong_identity) {
        spool.transaction(() => {
          if (byDevice.get(device)?.monitor.point({ kind: "evidence", body }) !== true) return;
          spool.setMeta(`silicon:${device}`, strong_identity);
        });
        onNews();
      },
      log,
    });
  let waited = false;
  let released_mono_ms = started_mono_ms;

  const own = (uuid: string): Device | undefined => {
    const entry = byUuid.get(uuid);
    if (entry === undefined && !unknown.has(uuid)) {
      unknown.add(uuid);
      log.warn({ uuid }, "this GPU is not enrolled; enrol it with another token");
    }
    return entry;
  };

  /** Takes a chain up where the agent's own record ends: the registry has not been heard in time. */
  const takeUpAlone = (entry: Device): void => {
    const local = spool.head(entry.device);
    if (entry.placed || local === null) return;
    entry.placed = true;
    const gap = { reason: restart, from_ms: local.window_end_ms, local_head_seq: local.seq } as const;
    entry.monitor.takeUp({ gap });
  };

  const takeHeads = ({ heads }: HeadBody): void => {
    const told = new Map(heads.map(({ device, head }) => [device, head]));
    for (const [device, head] of told) {
      // Of a key before: a registry that was restored may have lost the rotation itself.
      if (keys.successorOf(device) !== null) spool.unsettleAbove(device, head?.seq ?? -1);
    }
    for (const entry of devices) {
      const { device, monitor } = entry;
      const registry = told.get(device);
      if (registry === undefined) {
        // It has not heard of the rotation yet, or no more: all that this key has signed is news to it.
        if (keys.formerOf(device).length > 0) spool.unsettleAbove(device, -1);
        else log.error({ device }, "the registry does not know this device");
        continue;
      }
      const local = spool.head(device);
      const ownStatement = registry === null ? null : spool.statementAt(device, registry.seq);
      const { head, lost } = joinHeads(local, registry, ownStatement);
      const again = spool.unsettleAbove(device, registry?.seq ?? -1);
      if (again > 0)
        log.warn({ device, reports: again }, "the registry has lost reports; they are sent again");
      if (entry.placed && !lost) continue;
      if (head !== null) spool.setHead(device, head);
      if (lost) log.error({ device, local, registry }, "this agent's record of the chain is not whole");
      const reason = lost ? "state_lost" : restart;
      const local_head_seq = local?.seq ?? null;
      entry.placed = true;
      monitor.takeUp({ gap: head && { reason, from_ms: head.window_end_ms, local_head_seq } });
    }
  };

  const answerAboutTitle = createTitleAnswers({
    identity,
    accept_replacement: options.accept_replacement ?? null,
    find: (device) => byDevice.get(device),
    keys,
    keyOf,
    spool,
    now_ms: clock.now_ms,
    log,
  });

  /** What the registry refused may be taken once it has started anew, a clock is right, a device is enrolled. */
  const releaseAside = (): void => {
    released_mono_ms = clock.mono_ms();
    const reports = spool.releaseAside();
    if (reports > 0) log.info({ reports }, "reports that were refused are sent again");
  };

  /** Said again to those who have not heard it: the key that it leads away from has been left here already. */
  const isBy = (former: KeyObject | null, bytes: Buffer): boolean => {
    if (former === null) return false;
    try {
      openEnvelope(bytes, payloadTypes.down, former);
      return true;
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      return false;
    }
  };

  const follow = (change: RegistryKeyChange): void => {
    try {
      followRegistry(change);
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      log.error({ code: error.code, why: error.message }, "the registry's next key was not taken");
    }
  };

  const apply = ({ body, expires_ms }: DownMessage): Heard => {
    switch (body.type) {
      case "receipt": {
        const { refused } = spool.settle(body);
        for (const { dropped, ...report } of refused) {
          if (dropped) log.error(report, "the registry refused a report");
          else log.warn(report, "the registry refused a report; it is kept and sent again later");
        }
        for (const { device } of body.kept) {
          const entry = byDevice.get(device);
          if (entry !== undefined) entry.last_receipt_ms = clock.now_ms();
        }
        return { type: "settled", reports: [...body.kept, ...refused] };
      }
      case "head":
        takeHeads(body);
        releaseAside();
        return { type: "head", nonce: body.nonce };
      case "beacon":
        beacons.add(body);
        break;
      case "anchored":
        spool.forgetBelow(body.size);
        break;
      case "mint-request":
      case "rotation-request":
      case "replacement-request":
        answerAboutTitle(body);
        break;
      case "title-key": {
        const entry = byDevice.get(body.device);
        // The registry's word alone must not cost a key that a title may still name.
        if (entry !== undefined && hasSignedForTitle(spool, entry.device)) {
          discardFormer(entry.uuid, entry.device);
        }
        break;
      }
      case "registry-key":
        follow(body.change);
        break;
      case "challenge":
        if (byDevice.has(body.device)) desk?.take(body, expires_ms);
        break;
      default:
        log.warn(
          { type: (body as { type?: unknown }).type },
          "a message of a kind that this agent does not know",
        );
    }
    return { type: "other" };
  };

  /** When the spool overflows, the oldest reports go and a gap says so, in the same commit. */
  const keepWithinBounds = (): void => {
    spool.transaction(() => {
      for (const dropped of spool.makeRoom()) {
        const entry = byDevice.get(dropped.device);
        log.error(dropped, "the spool is full: unreceipted reports were dropped");
        if (entry !== undefined) entry.untold = joinDropped(entry.untold, dropped);
      }
      for (const entry of devices)
        if (entry.untold !== null && tellDropped(entry, entry.untold)) entry.untold = null;
    });
  };

  return {
    onSamples(samples) {
      spool.transaction(() => {
        for (const sample of samples) own(sample.uuid)?.monitor.sample(sample);
      });
      onNews();
    },
    onInventory(told) {
      for (const gpu of told) {
        gpus.set(gpu.uuid, { uuid: gpu.uuid, index: gpu.index, pdi: gpu.pdi });
        own(gpu.uuid)?.monitor.inventory({ ...gpu, host: host_facts });
      }
      onNews();
    },
    receive(bytes) {
      const lastSeq = Number(spool.meta("down_seq") ?? "0");
      const keys = registryKeys();
      let message: ReturnType<typeof openDown>;
      try {
        message = openDown(bytes, keys.now, { host, lastSeq, now_ms: clock.now_ms() });
      } catch (error) {
        if (!(error instanceof CaliberError)) throw error;
        if (error.code === "SIGNATURE_INVALID" && isBy(keys.former, bytes)) return { type: "other" };
        log.warn({ code: error.code, why: error.message }, "a message from the broker was not taken");
        return { type: "other" };
      }
      const heard = spool.transaction(() => {
        spool.setMeta("down_seq", String(message.seq));
        return apply(message);
      });
      if (heard.type === "other") onNews();
      return heard;
    },
    tick() {
      keepWithinBounds();
      if (clock.mono_ms() - released_mono_ms >= release_every_ms) {
        releaseAside();
        onNews();
      }
      if (waited || clock.mono_ms() - started_mono_ms < head_wait_ms) return;
      waited = true;
      for (const entry of devices) takeUpAlone(entry);
      const waiting = devices.filter(({ placed }) => !placed).length;
      if (waiting > 0)
        log.warn({ devices: waiting }, "no record of these chains here: waiting for the registry");
    },
    pause(uuid, body) {
      const asked = chosen(uuid);
      const told = spool.transaction(() => asked.filter(({ monitor }) => monitor.pause(body)).length);
      return requireAll(told, asked.length);
    },
    rotate(uuid, newKey) {
      const asked = chosen(uuid);
      const done = asked.filter((entry) => {
        const before = entry.device;
        if (!rotateDevice(entry, newKey, { keys, spool, signerOf })) return false;
        byDevice.delete(before);
        byDevice.set(entry.device, entry);
        return true;
      });
      return requireAll(done.length, asked.length);
    },
    retire(uuid, reason) {
      const [entry] = chosen(uuid) as [Device];
      const said = retireDevice(entry, reason, { keys, spool });
      if (said) {
        devices.splice(devices.indexOf(entry), 1);
        byDevice.delete(entry.device);
        byUuid.delete(uuid);
      }
      return requireAll(said ? 1 : 0, 1);
    },
    close() {
      desk?.close();
      spool.transaction(() => {
        for (const { monitor } of devices) monitor.close();
      });
      onNews();
    },
    devices: () =>
      devices.map(({ uuid, device, monitor, last_receipt_ms }) => ({
        uuid,
        device,
        ...monitor.state(),
        head_seq: spool.head(device)?.seq ?? null,
        last_receipt_ms,
      })),
  };
}

/** Remembers which boot of the machine this is, and says whether it is another than last time. */
function rebooted(spool: Pick<Spool, "meta" | "setMeta">, machine_boot: string | null): boolean {
  const before = spool.meta("machine_boot");
  if (machine_boot === null) return false;
  if (before !== machine_boot) spool.setMeta("machine_boot", machine_boot);
  return before !== null && before !== machine_boot;
}
