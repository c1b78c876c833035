import { generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { signEs256 } from "../../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../../protocol/crypto/spki.js";
import type { ChainBody } from "../../../protocol/log/entryBodies.js";
import { mintAuthorizationMessage } from "../../../protocol/mint/mintAuthorizationMessage.js";
import type { MintAuthorization } from "../../../protocol/report/schema.js";
import type { AmendmentWish, Consent, RegistryView, TitleCandidate, TokenHealth } from "../registryView.js";

export type FakeDevice = {
  candidate: TitleCandidate;
  key: KeyObject;
  token_id: bigint | null;
  /** The key that the token was minted to, where the device has rotated since. */
  token_key?: string;
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
};

const sha256 = (text: string) => hash("sha256", text, "hex");

const origin = "registry.test/log";

/** A registry whose devices sign at once. It keeps what it is told, as the real one does, over a writer's death. */
export function fakeRegistry(count: number): FakeRegistry {
  const devices = Array.from({ length: count }, (_, i) => fakeDevice(i));
  const consents = new Map<string, Consent>();
  const of = (key: string) =>
    devices.find(({ candidate: { device, former } }) => [device, ...former].includes(key))!;
  const registry: FakeRegistry = {
    devices,
    recorded: [],
    amendments: [],
    log: { origin, size: 0, history: "root" },
    halted: [],
    answering: true,
    asked: [],
    view: {
      candidates: () => devices.filter((d) => d.token_id === null).map((d) => d.candidate),
      consents: () => [...consents.values()].filter(({ device }) => of(device).token_id === null),
      amendments: () => registry.amendments,
      tokenHealth: () =>
        devices
          .filter((d) => d.token_id !== null)
          .map((d) => ({
            ...d.health,
            device: d.candidate.device,
            key: d.token_key ?? d.candidate.device,
            token_id: d.token_id!,
          })),
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
      record(body) {
        if (body.type !== "minted" && body.type !== "unminted") {
          const text = JSON.stringify(body);
          if (registry.recorded.some((before) => JSON.stringify(before) === text)) return;
        }
        if (body.type === "minted") of(body.device).token_id = BigInt(body.token_id);
        if (body.type === "unminted") of(body.device).token_id = null;
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
