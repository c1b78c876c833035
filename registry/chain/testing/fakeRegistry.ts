import { generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { signEs256 } from "../../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../../protocol/crypto/spki.js";
import type { ChainBody } from "../../../protocol/log/entryBodies.js";
import { mintAuthorizationMessage } from "../../../protocol/mint/mintAuthorizationMessage.js";
import { titleReplacementMessage } from "../../../protocol/mint/titleReplacementMessage.js";
import { titleRotationMessage } from "../../../protocol/mint/titleRotationMessage.js";
import type { MintAuthorization, TitleRotation } from "../../../protocol/report/schema.js";
import type { ReplacementTold } from "../../replacement/replacementOrders.js";
import type {
  AmendmentWish,
  Consent,
  RegistryView,
  ReplacementWish,
  RotationWish,
  TitleCandidate,
  TokenHealth,
} from "../registryView.js";

export type FakeDevice = {
  candidate: TitleCandidate;
  key: KeyObject;
  token_id: bigint | null;
  /** The key that the token names, where the device has rotated since. */
  token_key?: string;
  /** Keys before the one in force, oldest first. */
  former_keys: KeyObject[];
  /** Another device has its title. */
  replaced: boolean;
  health: Omit<TokenHealth, "device" | "key" | "token_id">;
};

export type FakeRegistry = {
  view: RegistryView;
  devices: FakeDevice[];
  /** Every body that was recorded and said something new. */
  recorded: ChainBody[];
  amendments: AmendmentWish[];
  /** `history` names what the entries are: two logs with different histories have different roots. */
  log: { origin: string; size: number; history: string };
  halted: string[];
  /** Whether devices answer when they are asked. */
  answering: boolean;
  asked: MintAuthorization[];
  askedRotations: TitleRotation[];
  /** One that is under way, at most. */
  order: FakeOrder | null;
};

export type FakeOrder = {
  token_id: bigint;
  /** Who is to stand in, and what it has signed. */
  device: FakeDevice;
  signed: ReplacementWish["signed"];
  consent: `0x${string}` | null;
  told: ReplacementTold | null;
};

const sha256 = (text: string) => hash("sha256", text, "hex");

const origin = "registry.test/log";

/** A registry whose devices sign at once. It keeps what it is told, as the real one does, over a writer's death. */
export function fakeRegistry(count: number): FakeRegistry {
  const devices = Array.from({ length: count }, (_, i) => fakeDevice(i));
  const consents = new Map<string, Consent>();
  const of = (key: string) =>
    devices.find(({ candidate: { device, former } }) => [device, ...former].includes(key))!;
  const signed = new Map<string, RotationWish["signed"]>();
  const registry: FakeRegistry = {
    devices,
    recorded: [],
    amendments: [],
    log: { origin, size: 0, history: "root" },
    halted: [],
    answering: true,
    asked: [],
    askedRotations: [],
    order: null,
    view: {
      candidates: () =>
        devices
          .filter((d) => d.token_id === null && !d.replaced && d !== registry.order?.device)
          .map((d) => d.candidate),
      consents: () => [...consents.values()].filter(({ device }) => of(device).token_id === null),
      amendments: () => registry.amendments,
      rotations: () =>
        devices.flatMap(({ candidate, former_keys, token_id, token_key }) => {
          const { device, former, spki, assurance } = candidate;
          const before = former_keys.find((key) => hash("sha256", spkiOf(key), "hex") === token_key);
          if (token_id === null || token_key === undefined || before === undefined) return [];
          const evidence = sha256(`rotate report ${device}`);
          const wish = { device, spki, token_id, key: token_key, key_spki: spkiOf(before), former };
          return [{ ...wish, evidence, assurance, signed: signed.get(device) ?? null }];
        }),
      replacements() {
        const { order } = registry;
        const former = devices.find(({ token_id }) => token_id === order?.token_id);
        if (order === null || former === undefined) return [];
        const { device, spki, weak_identity, strong_identity, evidence, assurance } = order.device.candidate;
        const facts = { device, spki, weak_identity, strong_identity, evidence, assurance };
        const { token_id, signed: answer, consent } = order;
        return [{ ...facts, token_id, former: former.candidate.device, signed: answer, consent }];
      },
      tokenHealth: () =>
        devices
          .filter((d) => d.token_id !== null)
          .map((d) => ({
            ...d.health,
            device: d.candidate.device,
            key: d.token_key ?? d.candidate.device,
            token_id: d.token_id!,
          })),
      holderOf: (token_id) => devices.find((d) => d.token_id === token_id)?.candidate.device ?? null,
      origin,
      logSize: () => registry.log.size,
      rootAt: (size) => Buffer.from(sha256(`${registry.log.history} ${size}`), "hex"),
      checkpoint: () => ({ size: registry.log.size, root: registry.view.rootAt(registry.log.size) }),
      haltCheckpoints: (why) => void registry.halted.push(why),
      requestConsent(device, authorization) {
        registry.asked.push(authorization);
        if (!registry.answering) return;
        const signature = signEs256(mintAuthorizationMessage(authorization), of(device).key).toString("hex");
        consents.set(device, { device, authorization, signature });
      },
      requestRotation(device, rotation) {
        registry.askedRotations.push(rotation);
        if (!registry.answering) return;
        const message = titleRotationMessage(rotation);
        const { key, former_keys } = of(device);
        const before = former_keys.find(
          (one) => `0x${hash("sha256", spkiOf(one), "hex")}` === rotation.old_key_hash,
        )!;
        signed.set(device, {
          rotation,
          old_signature: signEs256(message, before).toString("hex"),
          new_signature: signEs256(message, key).toString("hex"),
        });
      },
      requestReplacement(device, replacement) {
        if (!registry.answering || registry.order === null) return;
        const signature = signEs256(titleReplacementMessage(replacement), of(device).key).toString("hex");
        registry.order.signed = { replacement, signature };
      },
      tellReplacement(_token_id, told) {
        const { order } = registry;
        const nothing = { asked: null, consenter: null, by_contract: false };
        if (order !== null) order.told = { ...nothing, ...order.told, ...told };
      },
      record(body) {
        if (body.type !== "minted" && body.type !== "unminted") {
          const text = JSON.stringify(body);
          if (registry.recorded.some((before) => JSON.stringify(before) === text)) return;
        }
        if (body.type === "minted") {
          const device = of(body.device);
          device.token_id = BigInt(body.token_id);
          if (device.candidate.device !== body.device) device.token_key = body.device;
        }
        if (body.type === "unminted") of(body.device).token_id = null;
        if (body.type === "replaced") {
          registry.order = null;
          of(body.former).token_id = null;
          of(body.former).replaced = true;
          of(body.device).token_id = BigInt(body.token_id);
        }
        if (body.type === "rotated") {
          const device = of(body.device);
          if (device.candidate.device === body.device) delete device.token_key;
          else device.token_key = body.device;
        }
        if (body.type === "amended") {
          registry.amendments = registry.amendments.filter(({ evidence }) => evidence !== body.evidence);
        }
        registry.recorded.push(body);
      },
    },
  };
  return registry;
}

function fakeDevice(i: number): FakeDevice {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = spkiOf(privateKey);
  return {
    key: privateKey,
    former_keys: [],
    replaced: false,
    token_id: null,
    candidate: {
      device: hash("sha256", spki, "hex"),
      former: [],
      host: `host-${i % 2}`,
      spki,
      recipient: "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
      weak_identity: sha256(`weak ${i}`),
      strong_identity: null,
      evidence: sha256(`inventory ${i}`),
      assurance: 0,
    },
    health: {
      sequence: 1,
      state: "healthy",
      cause: "none",
      since_ms: 1_700_000_000_000,
      evidence_hash: sha256(`evidence ${i}`),
      assured_until_ms: null,
    },
  };
}

/** The device goes on under a new key; its token names the old one still. */
export function rotateFake(device: FakeDevice): void {
  const { candidate } = device;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = spkiOf(privateKey);
  device.token_key ??= candidate.device;
  device.former_keys.push(device.key);
  device.key = privateKey;
  device.candidate = {
    ...candidate,
    device: hash("sha256", spki, "hex"),
    spki,
    former: [...candidate.former, candidate.device],
  };
}
