import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Broker, createBroker } from "../broker/createBroker.js";
import { publicKeyFromSpki } from "../protocol/crypto/spki.js";
import type { AnchoredBody } from "../protocol/down/downMessage.js";
import { CaliberError } from "../protocol/errors.js";
import { checkpointVerifierKey } from "../protocol/log/checkpoint.js";
import type { ChainBody, PolicyBody } from "../protocol/log/entryBodies.js";
import { startApiServer } from "./api/apiServer.js";
import { createApiTokens } from "./api/apiTokens.js";
import { createRoutes } from "./api/routes.js";
import { openApprover } from "./approval/openApprover.js";
import { type ChainStatus, chainWord } from "./chain/chainStatus.js";
import { requireDeployment } from "./chain/requireDeployment.js";
import { type ChainOptions, startChain } from "./chain/startChain.js";
import { createRegistryView } from "./createRegistryView.js";
import { databasePath } from "./databasePath.js";
import { enrolListener } from "./enrol/enrolListener.js";
import { enrolService } from "./enrol/enrolService.js";
import type { EnrolStore } from "./enrol/enrolStore.js";
import { issueServerCertificate } from "./enrol/issueServerCertificate.js";
import { openCa } from "./enrol/openCa.js";
import { createSqliteEnrolStore } from "./enrol/sqliteEnrolStore.js";
import { loadTpmRoots } from "./enrol/tpmRoots.js";
import { createEventFeed } from "./events/eventFeed.js";
import { startEventPublisher } from "./events/eventPublisher.js";
import { createChallenger } from "./evidence/createChallenger.js";
import { listExpiring } from "./expiry/listExpiring.js";
import { startExpiryWatch } from "./expiry/startExpiryWatch.js";
import type { DeviceFold } from "./health/deviceFold.js";
import { foldOf } from "./health/foldOf.js";
import { type HealthPolicyName, healthPolicies } from "./health/policy.js";
import { createBeaconBook } from "./ingest/beaconBook.js";
import { createGreeter } from "./ingest/createGreeter.js";
import { createDeviceDirectory, type DeviceDirectory } from "./ingest/deviceDirectory.js";
import { createDownlink } from "./ingest/downlink.js";
import { createIngest, type IngestCounts } from "./ingest/ingest.js";
import { createReceipts } from "./ingest/receipts.js";
import { createRejectStore } from "./ingest/rejectStore.js";
import { checkKeyChanges } from "./keys/checkKeyChanges.js";
import { formerKeys } from "./keys/formerKeys.js";
import { keyChangesOf } from "./keys/keyChanges.js";
import { loadRegistryKeys } from "./keys/registryKeys.js";
import type { LoanOptions } from "./loans/loanOptions.js";
import { type Loans, startLoans } from "./loans/startLoans.js";
import { lockDataDir } from "./lockDataDir.js";
import { createCheckpointer } from "./log/checkpointer.js";
import { createEvidenceLog } from "./log/evidenceLog.js";
import { createLedger } from "./log/ledger.js";
import { originOf } from "./originOf.js";
import { registryMetrics } from "./registryMetrics.js";
import { createReplacementDesk } from "./replacement/replacementDesk.js";
import { createReplacementOrders } from "./replacement/replacementOrders.js";
import { startDecisions } from "./startDecisions.js";
import { startRevocations } from "./startRevocations.js";
import { createMeta } from "./store/meta.js";
import { type Db, openDatabase } from "./store/openDatabase.js";
import { createProjector, type Projector } from "./store/projector.js";
import { createUsageReader } from "./store/usage.js";

export type RegistryOptions = {
  data_dir: string;
  /** Where MQTT and enrolment listen: hosts must reach both. */
  bind: string;
  /** Where the read API listens: plain HTTP, so loopback or behind a proxy that speaks TLS. */
  api_bind: string;
  /** Names and addresses by which hosts reach this registry; they stand in its server certificates. */
  server_names: string[];
  /** 0 takes a free port. */
  mqtt_port: number;
  enrol_port: number;
  api_port: number;
  /** Packets that one host may send in the long run: what is kept for ever must not be anybody's to fill. */
  host_packets_per_s: number;
  policy: HealthPolicyName;
  window_ms: number;
  /** Directory with the certificates of the TPM makers that are trusted (loadTpmRoots); none when left out. */
  tpm_roots?: string | undefined;
  tick_ms: number;
  chain: ChainOptions | null;
  /** Loans to follow on that chain; none when left out. */
  loans?: LoanOptions | undefined;
  /** See createFleetFold. */
  evidence_root?: string;
  log: Logger;
  now_ms: () => number;
  /** A commit failed: what is in memory is ahead of what is stored, and the process must end. */
  onFatal: (error: unknown) => void;
};

export type Registry = {
  mqtt_port: number;
  enrol_port: number;
  api_port: number;
  /** What ingest has done since the start. */
  counts(): IngestCounts;
  /** Stops in reverse order of dependence; everything acknowledged is durable and folded in. */
  stop(): Promise<void>;
};

const group_ms = 5;
const flush_ms = 1000;
const challenge_tick_ms = 1000;

/** The registry as one process: built in order of dependence, stopped in reverse. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { data_dir, bind, log, now_ms } = options;
  mkdirSync(data_dir, { recursive: true, mode: 0o700 });
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) await next();
  };
  try {
    stops.push(lockDataDir(data_dir));
    const tpmRoots = options.tpm_roots === undefined ? null : loadTpmRoots(options.tpm_roots);
    const keys = loadRegistryKeys(join(data_dir, "keys"));
    const ca = openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms: now_ms() });
    const db = openDatabase(databasePath(data_dir));
    stops.push(() => db.close());
    const meta = createMeta(db);
    const origin = originOf(meta, keys);

    const evidence = createEvidenceLog(db);
    const changes = checkKeyChanges(keyChangesOf(meta), keys);
    const former = formerKeys(join(data_dir, "keys"), changes, now_ms);
    const checkpointer = createCheckpointer(db, evidence, origin, keys.log, () =>
      former("log").map(({ key }) => key),
    );
    const projector = createProjector(db, evidence, origin, options.evidence_root);
    const ledger = createLedger({
      db,
      log: evidence,
      projector,
      now_ms,
      group_ms,
      tick_ms: options.tick_ms,
      flush_ms,
      onFatal: options.onFatal,
    });
    stops.push(() => {
      ledger.stop();
      ledger.settle();
    });
    putPolicyInForce(projector, options.policy, (body) => ledger.add("policy", body));
    ledger.commit();

    const { devices } = projector.fleet;
    const findDevice = (device: string) => foldOf(projector.fleet, device);
    const directory = createDeviceDirectory(db, evidence);
    const beacons = createBeaconBook(db);
    let broker: Broker | null = null;
    const downlink = createDownlink({
      meta,
      key: keys.receipt,
      keyid: keys.receiptId,
      now_ms,
      transmit: (host, payload) => broker?.sendDown(host, payload),
    });
    const receipts = createReceipts(ledger, downlink);
    const ingest = createIngest({
      directory,
      beacons,
      ledger,
      receipts,
      rejects: createRejectStore(db),
      headOf: (device) => findDevice(device)?.head ?? null,
      now_ms,
      onFatal: options.onFatal,
    });

    const enrolStore = withDirectory(createSqliteEnrolStore(db, ledger), projector, directory);
    const tls = issueServerCertificate(ca, options.server_names, now_ms());
    const lastAnchored = (): AnchoredBody | null =>
      JSON.parse(meta.get("anchored") ?? "null") as AnchoredBody | null;
    /** Keys of before are kept by their hosts only as long as a title names one of them. */
    const tellTitleKey = ({ host, device, token, former_keys }: DeviceFold): void => {
      if (token?.key === device && former_keys.length > 0) downlink.send(host, { type: "title-key", device });
    };
    const greet = createGreeter({
      now_ms,
      afterCommit: ledger.afterCommit,
      answer(host, nonce) {
        const own = [...devices.values()].filter((fold) => fold.host === host);
        const heads = own.map(({ device, head }) => ({ device, head }));
        const beacon = beacons.latest();
        // First of all: a host that knows only the former key takes nothing else.
        for (const { change, key } of former("receipt")) downlink.announce(host, change, key);
        if (beacon !== null) downlink.send(host, { type: "beacon", ...beacon });
        downlink.send(host, { type: "head", nonce, heads });
        const anchored = lastAnchored();
        if (anchored !== null) downlink.send(host, anchored);
        for (const fold of own) tellTitleKey(fold);
      },
    });
    broker = await createBroker({
      tls,
      bind,
      port: options.mqtt_port,
      limits: { packets_per_s: options.host_packets_per_s },
      isAllowed: ({ role, id }) => role === "keeper" || enrolStore.findHost(id)?.revoked === false,
      onReport: (message) => ingest.take(message),
      onPresence: greet,
      log,
      now_ms,
    });
    const running = broker;
    stops.push(() => running.close());
    stops.push(
      startExpiryWatch({
        list: () =>
          listExpiring(db, [
            { what: "ca", pem: ca.certificate },
            { what: "server-certificate", pem: tls.cert },
          ]),
        now_ms,
        log,
      }),
    );
    stops.push(startRevocations({ db, ledger, cutOff: running.disconnect, now_ms, log }));

    stops.push(startDecisions({ db, ledger, findDevice, now_ms, log }));

    const feed = createEventFeed(db, keys.receipt, keys.receiptId);
    ledger.onFlush(feed.notify);
    const publisher = startEventPublisher({ db, feed, publish: running.publishEvent, log });
    stops.push(() => publisher.stop());

    const receiptChanges = changes.filter(({ purpose }) => purpose === "receipt");
    const listener = await enrolListener({
      service: enrolService({
        store: enrolStore,
        ca,
        terms: {
          registry_spki: keys.receiptSpki.toString("base64"),
          ...(receiptChanges.length > 0 && { registry_keys: receiptChanges }),
          mqtt_url: `mqtts://${options.server_names[0]}:${running.port}`,
          log_origin: origin,
          window_ms: options.window_ms,
        },
        tpmRoots,
        now_ms,
      }),
      tls,
      bind,
      port: options.enrol_port,
      log,
    });
    stops.push(() => listener.close());

    const tellHosts = (body: ChainBody): void => {
      if (body.type === "beacon") beacons.add(body);
      if (body.type === "anchored")
        meta.set(
          "anchored",
          JSON.stringify({ type: body.type, size: body.size, root: body.root, tx: body.tx }),
        );
      if (body.type === "minted" || body.type === "rotated" || body.type === "replaced") {
        const fold = findDevice(body.device);
        if (fold !== undefined) tellTitleKey(fold);
      }
      const down = body.type === "beacon" ? body : body.type === "anchored" ? lastAnchored() : null;
      if (down === null) return;
      for (const host of new Set([...devices.values()].map((fold) => fold.host))) downlink.send(host, down);
    };
    const view = createRegistryView({
      devices: () => devices.values(),
      findDevice,
      directory,
      log: evidence,
      ledger,
      checkpointer,
      downlink,
      orders: createReplacementOrders(db),
      isRevoked: (host) => enrolStore.findHost(host)?.revoked !== false,
      now_ms,
      onChain: tellHosts,
    });
    const challenger = createChallenger({
      devices: () => devices.values(),
      policy: () => projector.fleet.policy,
      ledger,
      downlink,
      isRevoked: (host) => enrolStore.findHost(host)?.revoked !== false,
      now_ms,
      random: () => randomInt(2 ** 47) / 2 ** 47,
      newChallenge: () => randomBytes(32).toString("hex"),
    });
    const asking = setInterval(challenger.tick, challenge_tick_ms);
    stops.push(() => clearInterval(asking));
    const chain =
      options.chain === null ? null : await startChain({ db, view, log, now_ms, chain: options.chain });
    if (chain !== null) stops.push(() => chain.stop());
    const loans = openLoans(options, db);
    if (loans !== null) stops.push(() => loans.stop());

    const api = await startApiServer({
      bind: options.api_bind,
      port: options.api_port,
      tokens: createApiTokens(db),
      feed,
      log,
      routes: createRoutes({
        devices: () => devices.values(),
        findDevice,
        usage: createUsageReader(db),
        feed,
        log: evidence,
        checkpointer,
        keys: {
          log_vkey: checkpointVerifierKey(origin, keys.logPublic),
          registry_spki: keys.receiptSpki.toString("base64"),
          changes,
        },
        healthOnChain: chain === null ? null : chain.healthOf,
        metrics: () =>
          registryMetrics({
            devices: devices.values(),
            ingest: ingest.counts(),
            logSize: evidence.size(),
            connections: running.connections(),
            chain: chain?.status() ?? null,
            loans: loans === null ? null : { fault: loans.fault(), head: loans.view.status().head },
          }),
        replacements: createReplacementDesk(db, now_ms).all,
        loans,
        approver:
          loans === null || options.loans === undefined || options.chain === null
            ? null
            : await openApprover({
                chain: options.chain,
                loans: { ...options.loans, view: loans.view },
                devices: () => devices.values(),
                isRevoked: (host) => enrolStore.findHost(host)?.revoked !== false,
                fresh_within_ms: () => projector.fleet.policy.stale_after_ms,
                record(body) {
                  ledger.add("chain", body);
                  ledger.settle();
                },
                now_ms,
              }),
        health: () =>
          registryHealth(
            chain?.status() ?? null,
            loans,
            now_ms() - (projector.fleet.last_tick_ms ?? 0) > 3 * options.tick_ms,
          ),
        now_ms,
      }),
    });
    stops.push(() => api.close());
    log.info(
      {
        mqtt_port: running.port,
        enrol_port: listener.port,
        api_port: api.port,
        origin,
        log_size: evidence.size(),
      },
      "registry is up",
    );
    return {
      mqtt_port: running.port,
      enrol_port: listener.port,
      api_port: api.port,
      counts: ingest.counts,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Puts the policy into the log when it is not the one in force: a replay judges by what was in force. */
function putPolicyInForce(
  projector: Projector,
  name: HealthPolicyName,
  add: (body: PolicyBody) => void,
): void {
  const values = healthPolicies[name];
  const inForce = JSON.stringify(projector.fleet.policy) === JSON.stringify(values);
  if (!inForce || projector.fleet.next_idx === 0) add({ name, values });
}

/** Lets ingest know a device's key the moment its enrolment is durable. */
function withDirectory(store: EnrolStore, projector: Projector, directory: DeviceDirectory): EnrolStore {
  return {
    ...store,
    enrol(token, body) {
      store.enrol(token, body);
      for (const { device, spki } of body.devices) {
        const { id, host } = projector.fleet.devices.get(device)!;
        const key = publicKeyFromSpki(Buffer.from(spki, "base64"));
        directory.add({ id, device, host, key, tenure: { first_seq: 0, last_seq: null } });
      }
    },
  };
}

function openLoans({ chain, loans, log, now_ms }: RegistryOptions, db: Db): Loans | null {
  if (loans === undefined) return null;
  if (chain === null) {
    throw new CaliberError(
      "LOANS_WITHOUT_CHAIN",
      "loans are followed on the chain of the tokens: none is given",
      {
        disposition: "user",
      },
    );
  }
  const deployment = requireDeployment(chain.deployment_file);
  return startLoans({ db, rpc_urls: chain.rpc_urls, deployment, loans, log, now_ms });
}

function registryHealth(
  chain: ChainStatus | null,
  loans: Pick<Loans, "fault"> | null,
  silent: boolean,
): { ok: boolean; checks: Record<string, string> } {
  const contradicts = chain?.problems.includes("LOG_CONTRADICTS_ANCHOR") === true;
  // A node that is away is told and no more: reports are still taken in. A log that is not the anchored one is the end.
  return {
    ok: !contradicts && !silent,
    checks: {
      log: contradicts ? "contradicts its anchor" : silent ? "no tick in time" : "ok",
      chain: chain === null ? "none" : chainWord(chain),
      loans: loans === null ? "none" : (loans.fault()?.code ?? "ok"),
    },
  };
}
