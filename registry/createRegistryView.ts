import { spkiOf } from "../protocol/crypto/spki.js";
import type { ChainBody } from "../protocol/log/entryBodies.js";
import type { RegistryView } from "./chain/registryView.js";
import type { DeviceFold } from "./health/deviceFold.js";
import { waitsForSilicon } from "./health/waitsForSilicon.js";
import type { DeviceDirectory } from "./ingest/deviceDirectory.js";
import type { Downlink } from "./ingest/downlink.js";
import type { Checkpointer } from "./log/checkpointer.js";
import type { EvidenceLog } from "./log/evidenceLog.js";
import type { Ledger } from "./log/ledger.js";
import { replacementObstacle } from "./replacement/replacementObstacle.js";
import type { ReplacementOrders } from "./replacement/replacementOrders.js";

/** A host that changes its tale, or its key, all the time must not spend the writer's gas on it. */
const spacing_ms = 3_600_000;

/** Of silicon that answers. */
const strongIdentityOf = ({ silicon }: DeviceFold): string | null =>
  silicon === null || silicon.lapsed ? null : silicon.strong_identity;

/** The chain writer's window on the registry: reads the fold, and puts what the chain did into the log. */
export function createRegistryView(options: {
  devices: () => Iterable<DeviceFold>;
  findDevice: (device: string) => DeviceFold | undefined;
  directory: DeviceDirectory;
  log: EvidenceLog;
  ledger: Ledger;
  checkpointer: Checkpointer;
  downlink: Downlink;
  orders: ReplacementOrders;
  isRevoked: (host: string) => boolean;
  now_ms: () => number;
  /** Told of every chain entry once it is durable. */
  onChain: (body: ChainBody) => void;
}): RegistryView {
  const {
    devices,
    findDevice,
    directory,
    log,
    ledger,
    checkpointer,
    downlink,
    orders,
    isRevoked,
    now_ms,
    onChain,
  } = options;
  /** As the contract has it: bit 0 a key in a TPM, bit 1 an identity from silicon. */
  const assuranceBits = (fold: DeviceFold): number =>
    (fold.key === "tpm" ? 1 : 0) | (strongIdentityOf(fold) === null ? 0 : 2);
  const isTitled = (fold: DeviceFold): fold is DeviceFold & { token: NonNullable<DeviceFold["token"]> } =>
    fold.token !== null;

  const evidenceHash = (evidence: string): string => {
    const idx = /^(?:tick|entry):([0-9]+)$/.exec(evidence)?.[1];
    return idx === undefined ? evidence : log.leaf(Number(idx)).toString("hex");
  };
  const isRecorded = (body: ChainBody): boolean => {
    if (body.type === "minted") {
      const { token } = findDevice(body.device) ?? { token: null };
      return token?.tx === body.tx && token.token_id === body.token_id;
    }
    if (body.type === "replaced") return findDevice(body.device)?.token?.token_id === body.token_id;
    if (body.type === "rotated") return findDevice(body.device)?.token?.key !== body.former;
    return body.type === "unminted" && findDevice(body.device)?.token?.token_id !== body.token_id;
  };

  /**
   * Whoever is disputed or revoked gets no title, and none is changed in its name. Asked last: revocation is read from
   * the store, each round, and few devices want anything.
   */
  const isInOrder = ({ dispute, host }: DeviceFold): boolean => dispute === null && !isRevoked(host);
  const isLately = (tick_ms: number | null): boolean => tick_ms !== null && now_ms() - tick_ms < spacing_ms;

  return {
    candidates: () => {
      const standIns = new Set(orders.all().map(({ device }) => device));
      return [...devices()].flatMap((fold) => {
        if (fold.inventory === null || fold.token !== null || waitsForSilicon(fold)) return [];
        // It has had a title, which another device has now: under its next key as well it gets one by an order only.
        if (fold.retired !== null || fold.replaced_by !== null) return [];
        if (standIns.has(fold.device)) return [];
        if (!isInOrder(fold)) return [];
        const known = directory.find(fold.device);
        if (known === undefined) return [];
        const { device, host, recipient } = fold;
        const { weak_identity, statement } = fold.inventory;
        return [
          {
            device,
            former: fold.former_keys.map((one) => one.device),
            host,
            spki: spkiOf(known.key),
            recipient,
            weak_identity,
            strong_identity: strongIdentityOf(fold),
            evidence: statement,
            assurance: assuranceBits(fold),
          },
        ];
      });
    },
    consents: () => {
      const standIns = new Set(orders.all().map(({ device }) => device));
      return [...devices()].flatMap((fold) => {
        const { device, token, consent } = fold;
        if (token !== null || consent === null || standIns.has(device) || !isInOrder(fold)) return [];
        return [{ device, authorization: consent.authorization, signature: consent.signature }];
      });
    },
    amendments: () =>
      [...devices()].filter(isTitled).flatMap((fold) => {
        const { device, token, inventory } = fold;
        if (inventory === null || inventory.material === token.material) return [];
        // The chain knows another key: it would take evidence that this one signed for the other's.
        if (token.key !== device) return [];
        if (isLately(token.amended_ms) || !isInOrder(fold)) return [];
        return [
          {
            device,
            token_id: BigInt(token.token_id),
            evidence: inventory.statement,
            assurance: assuranceBits(fold),
          },
        ];
      }),
    rotations: () =>
      [...devices()].filter(isTitled).flatMap((fold) => {
        const { device, token, former_keys, title_rotation } = fold;
        if (token.key === device || isLately(token.rotated_ms) || !isInOrder(fold)) return [];
        const [known, before] = [directory.find(device), directory.find(token.key)];
        const last = former_keys.at(-1);
        if (known === undefined || before === undefined || last === undefined) return [];
        return [
          {
            device,
            spki: spkiOf(known.key),
            token_id: BigInt(token.token_id),
            key: token.key,
            key_spki: spkiOf(before.key),
            former: former_keys.map((one) => one.device),
            evidence: last.statement,
            assurance: assuranceBits(fold),
            signed: title_rotation,
          },
        ];
      }),
    replacements: () =>
      orders.all().flatMap((order) => {
        const { token_id } = order;
        const former = [...devices()].find(({ token }) => token?.token_id === token_id);
        const fold = findDevice(order.device);
        const known = directory.find(order.device);
        if (replacementObstacle(order, former, fold, isRevoked) !== null) return [];
        // What has no obstacle is all there.
        if (former === undefined || known === undefined || !fold?.inventory) return [];
        const { title_replacement: signed, inventory } = fold;
        // An inventory is told again every hour: as long as it says the same, what was signed stays good.
        const stays = signed !== null && signed.material === inventory.material;
        return [
          {
            token_id: BigInt(token_id),
            former: former.device,
            device: fold.device,
            spki: spkiOf(known.key),
            weak_identity: inventory.weak_identity,
            strong_identity: strongIdentityOf(fold),
            evidence: stays ? signed.replacement.evidence.slice(2) : inventory.statement,
            assurance: assuranceBits(fold),
            signed,
            consent: order.consent as `0x${string}` | null,
          },
        ];
      }),
    tokenHealth: () =>
      [...devices()]
        .filter(isTitled)
        .filter(({ health_sequence }) => health_sequence > 0)
        .map((fold) => ({
          device: fold.device,
          key: fold.token.key,
          token_id: BigInt(fold.token.token_id),
          sequence: fold.health_sequence,
          state: fold.state,
          cause: fold.cause,
          since_ms: fold.since_ms,
          evidence_hash: evidenceHash(fold.evidence),
          assured_until_ms: fold.assured_until_ms,
        })),
    holderOf: (token_id) =>
      [...devices()].find(({ token }) => token?.token_id === String(token_id))?.device ?? null,
    origin: checkpointer.origin,
    logSize: () => log.size(),
    rootAt: (size) => log.rootAt(size),
    checkpoint: () => checkpointer.current(),
    haltCheckpoints: (why) => checkpointer.halt(why),
    requestConsent(device, authorization) {
      const fold = findDevice(device);
      if (fold !== undefined) downlink.send(fold.host, { type: "mint-request", device, authorization });
    },
    requestRotation(device, rotation) {
      const fold = findDevice(device);
      if (fold !== undefined) downlink.send(fold.host, { type: "rotation-request", device, rotation });
    },
    requestReplacement(device, replacement) {
      const fold = findDevice(device);
      if (fold !== undefined) {
        downlink.send(fold.host, { type: "replacement-request", device, replacement });
      }
    },
    tellReplacement: (token_id, told) => orders.tell(String(token_id), told),
    record(body) {
      if (isRecorded(body)) return;
      // In one commit: an order that outlived what it ordered would keep the device waiting for nothing.
      const alongside = () => void (body.type === "replaced" && orders.remove(body.token_id));
      ledger.add("chain", body, { alongside });
      ledger.settle();
      onChain(body);
    },
  };
}
