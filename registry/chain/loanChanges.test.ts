import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TypedDataDefinition } from "viem";
import { afterAll, beforeAll, expect, it } from "vitest";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import type { DownBody } from "../../protocol/down/downMessage.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import { titleRotationMessage } from "../../protocol/mint/titleRotationMessage.js";
import {
  borrower,
  controller,
  type LoanWorld,
  newGpu,
  openLoanWorld,
  principal,
} from "../../test/support/loanWorld.js";
import type { TestDevice } from "../../test/support/testHost.js";
import { busyTelemetry, inventoryOf, testChain } from "../../test/support/testReports.js";
import { createRegistryView } from "../createRegistryView.js";
import { databasePath } from "../databasePath.js";
import { foldOf } from "../health/foldOf.js";
import { createDownlink } from "../ingest/downlink.js";
import { createCheckpointer } from "../log/checkpointer.js";
import { openReplacementDesk } from "../replacement/replacementDesk.js";
import { createReplacementOrders } from "../replacement/replacementOrders.js";
import { createMeta } from "../store/meta.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { openCore, registryKey, testOrigin } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { chainTransport } from "./chainTransport.js";
import { openBench, runUntilQuiet } from "./testing/writerBench.js";

let world: LoanWorld;
const data_dir = mkdtempSync(join(tmpdir(), "caliber-swap-"));
beforeAll(async () => {
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 0, needs_presence: false });
});
afterAll(async () => {
  await world?.close();
  rmSync(data_dir, { recursive: true });
});

/** A registry and its writer, over the database that the one before left. */
function openRegistry(start_ms: number, before?: ReturnType<typeof openCore>) {
  const core = openCore(before ? { db: before.db, start_ms } : { path: databasePath(data_dir), start_ms });
  const downs: { host: string; body: DownBody }[] = [];
  const view = createRegistryView({
    devices: () => core.projector.fleet.devices.values(),
    findDevice: (device) => foldOf(core.projector.fleet, device),
    directory: core.directory,
    log: core.log,
    ledger: core.ledger,
    checkpointer: createCheckpointer(
      core.db,
      core.log,
      testOrigin,
      generateKeyPairSync("ed25519").privateKey,
    ),
    downlink: {
      ...createDownlink({
        meta: createMeta(core.db),
        key: registryKey,
        keyid: "",
        now_ms: core.now_ms,
        transmit: () => undefined,
      }),
      send: (host, body) => void downs.push({ host, body }),
    },
    orders: createReplacementOrders(core.db),
    isRevoked: () => false,
    now_ms: core.now_ms,
    onChain: () => undefined,
  });
  const { writer } = openBench({
    deployment: world.deployment,
    view,
    transport: chainTransport(world.anvil.url),
    db: core.db,
    now_ms: core.now_ms,
    // What an anchor or a beacon puts into the log would be anchored in turn, and never be quiet.
    settings: { beacon_interval_ms: 1e12, anchor_interval_ms: 1e15 },
  });
  const step = async () => {
    core.advance(6000);
    await writer.step();
  };
  return { core, writer, downs, step };
}

it("in the middle of a loan one GPU rotates its key and another is swapped out, and the same titles come back", async () => {
  let registry = openRegistry((await world.now_s()) * 1000);
  const hostOf = (device: TestDevice, host: string, uuid: string) => {
    const chain = testChain(device, host);
    registry.core.enrol(host, [device]);
    const say = async (
      kind: "inventory" | "telemetry" | "rotate-title" | "replace-title",
      body: object,
      length_ms = 0,
    ) => {
      const end_ms = length_ms === 0 ? registry.core.now_ms() : registry.core.advance(length_ms);
      const { bytes, report } = chain.next(kind, body, { start_ms: end_ms - length_ms, end_ms });
      await hand(host, report.device, bytes);
    };
    const report = () => say("telemetry", { ...busyTelemetry, present_ms: 1000 }, 1000);
    return { device, host, uuid, chain, say, report, begin: () => say("inventory", inventoryOf(uuid)) };
  };
  const hand = async (host: string, device: string, payload: Buffer) => {
    await registry.core.ingest.take({ host, device, payload });
    registry.core.settle();
  };
  const asked = <T extends DownBody["type"]>(type: T) =>
    registry.downs
      .flatMap(({ body }) => (body.type === type ? [body as Extract<DownBody, { type: T }>] : []))
      .at(-1);

  const [swapped, kept] = [hostOf(testDevice(), "h-0", "GPU-0"), hostOf(testDevice(), "h-1", "GPU-1")];
  const ids: bigint[] = [];
  for (const { device, uuid, begin, report } of [swapped, kept]) {
    await begin();
    await report();
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
    ids.push(token_id);
  }
  const [rma, rotated] = ids as [bigint, bigint];
  registry.core.settle();
  await runUntilQuiet(registry.writer);
  const terms = await world.terms(ids);
  await world.stage(terms);
  await world.originate(terms, await world.approval(terms));
  expect(await world.holderOf(rma)).toBe(world.router);

  const next = testDevice();
  await hand(kept.host, kept.device.id, kept.chain.rotate(next, registry.core.now_ms()).bytes);
  await registry.step();
  const { rotation } = asked("rotation-request")!;
  const sign = (message: Buffer, { key }: TestDevice) => signEs256(message, key).toString("hex");
  await kept.say("rotate-title", {
    rotation,
    old_signature: sign(titleRotationMessage(rotation), kept.device),
    new_signature: sign(titleRotationMessage(rotation), next),
  });
  await runUntilQuiet(registry.writer);
  expect((await world.titleOf(rotated)).deviceKeyHash).toBe(`0x${next.id}`);

  const standIn = hostOf(testDevice(), "h-2", "GPU-2");
  const desk = openReplacementDesk(data_dir, registry.core.now_ms);
  const token_id = String(rma);
  const refused = (act: () => unknown, code: string) =>
    expect(async () => act()).rejects.toMatchObject({ code, disposition: "user" });
  await refused(() => desk.order("99", standIn.device.id), "TOKEN_UNKNOWN");
  await refused(() => desk.order(token_id, "ab".repeat(32)), "DEVICE_UNKNOWN");
  await refused(() => desk.order(token_id, swapped.device.id), "REPLACEMENT_DONE");
  await refused(() => desk.order(token_id, kept.device.id), "DEVICE_ROTATED");
  await refused(() => desk.order(token_id, next.id), "DEVICE_TITLED");
  await refused(() => desk.status(token_id), "REPLACEMENT_NONE");
  const early = desk.order(token_id, standIn.device.id);
  expect(early).toMatchObject({ waits_for: "remedy", why: { code: "INVENTORY_MISSING" } });
  await refused(() => desk.order(token_id, standIn.device.id), "REPLACEMENT_ORDERED");
  await standIn.begin();
  await standIn.report();
  expect(desk.status(token_id)).toMatchObject({ waits_for: "writer", why: null, consenter: null });
  await registry.step();
  expect(asked("mint-request")).toBeUndefined();
  expect(desk.status(token_id)).toMatchObject({
    waits_for: "device",
    former: swapped.device.id,
    consenter: { address: controller.address, by_contract: false },
  });
  await refused(() => desk.consent(token_id, "0x00"), "CONSENT_EARLY");
  const { replacement } = asked("replacement-request")!;
  await standIn.say("replace-title", {
    replacement,
    signature: sign(titleReplacementMessage(replacement), standIn.device),
  });
  await registry.step();
  const { typed_data, waits_for } = desk.status(token_id);
  expect(waits_for).toBe("consent");
  const data = typed_data as unknown as TypedDataDefinition;
  const foreign = await borrower.signTypedData(data);
  await refused(() => desk.consent(token_id, foreign), "CONSENT_NOT_CONSENTERS");
  const given = await desk.consent(token_id, await controller.signTypedData(data));
  expect(given).toMatchObject({ waits_for: "chain", consented: true });

  // Killed before the chain has it: what was signed is in the database.
  registry.core.ledger.stop();
  registry = openRegistry(registry.core.now_ms(), registry.core);
  await registry.step();
  await runUntilQuiet(registry.writer);
  await refused(() => desk.cancel(token_id), "REPLACEMENT_NONE");
  desk.close();
  expect(await world.titleOf(rma)).toMatchObject({
    deviceKeyHash: `0x${standIn.device.id}`,
    weakIdentity: `0x${weakIdentityOf("GPU-2")}`,
  });
  expect(registry.core.fold(standIn.device).token).toMatchObject({ token_id });
  expect(registry.core.fold(swapped.device)).toMatchObject({ token: null, replaced_by: standIn.device.id });
  expect(await Promise.all(ids.map(world.stateOf))).toEqual([1, 1]);

  await world.repay(terms, principal);
  for (const id of ids) expect(await world.holderOf(id)).toBe(borrower.address.toLowerCase());
  registry.core.settle();
  const live = tableDigests(registry.core.db);
  expect(rebuild(registry.core.db).digests).toEqual(live);
  registry.core.ledger.stop();
});
