import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import type { DownBody } from "../../protocol/down/downMessage.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import type { ReportKind, TitleReplacement } from "../../protocol/report/schema.js";
import { chainTransport } from "../../registry/chain/chainTransport.js";
import { openBench, runUntilQuiet } from "../../registry/chain/testing/writerBench.js";
import { createRegistryView } from "../../registry/createRegistryView.js";
import { databasePath } from "../../registry/databasePath.js";
import { foldOf } from "../../registry/health/foldOf.js";
import { createDownlink } from "../../registry/ingest/downlink.js";
import { createCheckpointer } from "../../registry/log/checkpointer.js";
import { openReplacementDesk } from "../../registry/replacement/replacementDesk.js";
import { createReplacementOrders } from "../../registry/replacement/replacementOrders.js";
import { createMeta } from "../../registry/store/meta.js";
import { openCore, registryKey, testOrigin } from "../../registry/testing/openCore.js";
import { testDevice } from "../../registry/testing/testDevice.js";
import { type LoanWorld, newGpu } from "./loanWorld.js";
import type { TestDevice } from "./testHost.js";
import { busyTelemetry, inventoryOf, testChain } from "./testReports.js";

export type TitleBench = Awaited<ReturnType<typeof titleBench>>;
export type TitleHost = Awaited<ReturnType<TitleBench["host"]>>;

/** A registry's core with its chain writer on a loan's world, and hosts of one GPU each that answer by hand and may lie. */
export async function titleBench(world: LoanWorld) {
  const data_dir = mkdtempSync(join(tmpdir(), "caliber-titles-"));
  const downs: { host: string; body: DownBody }[] = [];

  function openRegistry(start_ms: number, before?: ReturnType<typeof openCore>) {
    const core = openCore(before ? { db: before.db, start_ms } : { path: databasePath(data_dir), start_ms });
    const { now_ms } = core;
    const keys = { key: registryKey, keyid: "" };
    const downlink = createDownlink({
      ...keys,
      meta: createMeta(core.db),
      now_ms,
      transmit: () => undefined,
    });
    const logKey = generateKeyPairSync("ed25519").privateKey;
    const view = createRegistryView({
      devices: () => core.projector.fleet.devices.values(),
      findDevice: (device) => foldOf(core.projector.fleet, device),
      directory: core.directory,
      log: core.log,
      ledger: core.ledger,
      checkpointer: createCheckpointer(core.db, core.log, testOrigin, logKey),
      downlink: { ...downlink, send: (host, body) => void downs.push({ host, body }) },
      orders: createReplacementOrders(core.db),
      isRevoked: () => false,
      now_ms,
      onChain: () => undefined,
    });
    const { writer, store } = openBench({
      deployment: world.deployment,
      view,
      transport: chainTransport(world.anvil.url),
      db: core.db,
      now_ms,
      // What an anchor or a beacon puts into the log would be anchored in turn, and never be quiet.
      settings: { beacon_interval_ms: 1e12, anchor_interval_ms: 1e15 },
    });
    return { core, writer, intents: store };
  }
  let registry = openRegistry((await world.now_s()) * 1000);

  const hand = async (host: string, device: string, payload: Buffer): Promise<void> => {
    await registry.core.ingest.take({ host, device, payload });
    registry.core.settle();
  };
  const bench = {
    data_dir,
    registry: () => registry,
    desk: openReplacementDesk(data_dir, () => registry.core.now_ms()),
    /** Enrols a host with one GPU, which reports nothing yet. */
    host(uuid: string) {
      const device = testDevice();
      const host = `h-${uuid.toLowerCase()}`;
      const chain = testChain(device, host);
      registry.core.enrol(host, [device]);
      const say = async (kind: ReportKind, body: object, length_ms = 0): Promise<void> => {
        const end_ms = length_ms === 0 ? registry.core.now_ms() : registry.core.advance(length_ms);
        const { bytes, report } = chain.next(kind, body, { start_ms: end_ms - length_ms, end_ms });
        await hand(host, report.device, bytes);
      };
      return {
        device,
        uuid,
        say,
        /** What it is, and that it runs. */
        async begin(): Promise<void> {
          await say("inventory", inventoryOf(uuid));
          await say("telemetry", { ...busyTelemetry, present_ms: 1000 }, 1000);
        },
        rotate: (next: TestDevice) => hand(host, device.id, chain.rotate(next, registry.core.now_ms()).bytes),
        /** Signs, also what nobody asked for. */
        standIn: (replacement: TitleReplacement, { key } = device) =>
          say("replace-title", {
            replacement,
            signature: signEs256(titleReplacementMessage(replacement), key).toString("hex"),
          }),
      };
    },
    /** A title in the borrower's hands with the lender's controller, on chain and on record. */
    async mint({ device, uuid }: { device: TestDevice; uuid: string }): Promise<bigint> {
      const spki = spkiOf(device.key);
      const { token_id } = await world.mint({
        ...newGpu(uuid),
        key: device.key,
        device: `0x${device.id}`,
        x: `0x${spki.subarray(27, 59).toString("hex")}`,
        y: `0x${spki.subarray(59).toString("hex")}`,
        weak: `0x${weakIdentityOf(uuid)}`,
      });
      const { chain_id, token: contract } = world.deployment;
      const tx = `0x${"00".repeat(32)}`;
      const minted = { device: device.id, chain_id, contract, token_id: String(token_id), tx, block: 1 };
      registry.core.ledger.add("chain", { type: "minted", ...minted });
      registry.core.settle();
      return token_id;
    },
    /** What was last asked of any host. */
    asked<T extends DownBody["type"]>(type: T): Extract<DownBody, { type: T }> | undefined {
      const all = downs.flatMap(({ body }) =>
        body.type === type ? [body as Extract<DownBody, { type: T }>] : [],
      );
      return all.at(-1);
    },
    /** One round of the writer, after the pause between looks. */
    async step(): Promise<void> {
      registry.core.advance(6000);
      await registry.writer.step();
    },
    settle: () => runUntilQuiet(registry.writer),
    /** Killed, and started over what it left. */
    restart(): void {
      registry.core.ledger.stop();
      registry = openRegistry(registry.core.now_ms(), registry.core);
    },
    close(): void {
      bench.desk.close();
      registry.core.ledger.stop();
      registry.core.db.close();
      rmSync(data_dir, { recursive: true });
    },
  };
  return bench;
}
