import { type Static, type TSchema, Type } from "@sinclair/typebox";

/** Integers only: a float has no canonical form, and I-JSON promises no more than 2^53 - 1. */
const int = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const count = int(0, Number.MAX_SAFE_INTEGER);
const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const hash = Type.String({ pattern: "^[0-9a-f]{64}$" });
const permille = int(0, 1000);
/** A counter that can pass 2^53 travels as a decimal string. */
const bigCount = Type.String({ pattern: "^(0|[1-9][0-9]{0,19})$" });
const time_ms = int(0, 253_402_300_799_999);

/** Smallest, time-weighted mean (rounded to an integer) and largest of one quantity over a window. */
const statOf = <T extends TSchema>(value: T) => orNull(closed({ min: value, mean: value, max: value }));

const eccCounters = orNull(
  closed({
    sram_correctable: orNull(count),
    sram_uncorrectable: orNull(count),
    dram_correctable: orNull(count),
    dram_uncorrectable: orNull(count),
  }),
);

/** What a GPU says it is. A value the GPU did not give is null, never a default. */
const inventoryBody = closed({
  index: orNull(int(0, 4095)),
  uuid: text(96),
  serial: orNull(text(64)),
  /** Per-device identifier (R580+); sensitive: it goes to the registry and never on chain. */
  pdi: orNull(Type.String({ pattern: "^0x[0-9a-f]{16}$" })),
  name: orNull(text(128)),
  brand: orNull(text(64)),
  architecture: orNull(text(64)),
  vbios_version: orNull(text(64)),
  board_part_number: orNull(text(64)),
  gpu_part_number: orNull(text(64)),
  inforom_image_version: orNull(text(64)),
  driver_version: orNull(text(64)),
  cuda_version: orNull(text(32)),
  pci_bus_id: orNull(text(32)),
  pci_device_id: orNull(text(16)),
  pcie_gen_max: orNull(int(1, 16)),
  pcie_width_max: orNull(int(1, 64)),
  fb_total_mib: orNull(count),
  power_limit_mw: orNull(count),
  mig_enabled: orNull(Type.Boolean()),
  ecc_enabled: orNull(Type.Boolean()),
  persistence_enabled: orNull(Type.Boolean()),
  module_id: orNull(int(0, 1024)),
  chassis_serial: orNull(text(64)),
});

export const presences = ["present", "lost", "missing", "probe_timeout"] as const;

/** What a GPU did over one window. `presence` is `present` only when it answered with readings. */
const telemetryBody = closed({
  presence: Type.Union(presences.map((presence) => Type.Literal(presence))),
  /** Samples taken in the window, and how many the interval should have given. */
  samples: count,
  samples_expected: count,
  /** RFC 6962 root over the raw samples, which stay on the host (see docs/protocol.md). */
  samples_root: hash,
  /** Part of the window, in ms, in which the GPU answered. */
  present_ms: count,
  util_permille: statOf(permille),
  sm_activity_permille: statOf(permille),
  mem_util_permille: statOf(permille),
  fb_used_mib: statOf(count),
  power_mw: statOf(count),
  temp_mc: statOf(int(-273_150, 1_000_000)),
  sm_clock_mhz: statOf(count),
  energy_mj: orNull(bigCount),
  pcie_gen: orNull(int(0, 16)),
  pcie_width: orNull(int(0, 64)),
  pcie_replays: orNull(count),
  ecc_volatile: eccCounters,
  ecc_aggregate: eccCounters,
  remapped_rows: orNull(
    closed({
      correctable: count,
      uncorrectable: count,
      pending: orNull(Type.Boolean()),
      failure: orNull(Type.Boolean()),
    }),
  ),
  /** NVIDIA's own words in lower_snake_case: none, reset, reboot, drain_p2p, drain_and_reset … */
  recovery_action: orNull(Type.String({ pattern: "^[a-z0-9_]{1,48}$" })),
  /** Active clock event reasons in lower_snake_case; null when the driver did not say. */
  throttle: orNull(
    Type.Array(Type.String({ pattern: "^[a-z0-9_]{1,64}$" }), { maxItems: 32, uniqueItems: true }),
  ),
  processes: orNull(int(0, 65_535)),
});

export const gapReasons = ["restart", "reboot", "state_lost", "spool_overflow", "suspended"] as const;

/** The agent's signed account of time, or of reports, that it cannot show. */
const gapBody = closed({
  reason: Type.Union(gapReasons.map((reason) => Type.Literal(reason))),
  from_ms: time_ms,
  to_ms: time_ms,
  /** Reports that were signed and dropped before a receipt came. */
  dropped: orNull(closed({ from_seq: count, to_seq: count })),
  /** Where the agent's own record ended; null when it had none (a lost state). */
  local_head_seq: orNull(count),
  note: orNull(Type.String({ maxLength: 200 })),
});

/** Work announced beforehand. The registry caps `until_ms` by policy. */
const pauseBody = closed({
  from_ms: time_ms,
  until_ms: time_ms,
  reason: Type.String({ minLength: 1, maxLength: 200 }),
});

const word32 = Type.String({ pattern: "^0x[0-9a-f]{64}$" });
const address = Type.String({ pattern: "^0x[0-9a-f]{40}$" });
const bigUint = Type.String({ pattern: "^(0|[1-9][0-9]{0,77})$" });

/** EIP-712 `MintAuthorization` of CaliberToken, with the domain it is bound to. */
export const mintAuthorizationSchema = closed({
  chain_id: int(1, Number.MAX_SAFE_INTEGER),
  contract: address,
  recipient: address,
  device_key_hash: word32,
  strong_identity: word32,
  weak_identity: word32,
  evidence: word32,
  log_origin: word32,
  header_hash: word32,
  assurance: int(0, 255),
  predecessor: bigUint,
  nonce: bigUint,
  deadline: bigUint,
});
export type MintAuthorization = Static<typeof mintAuthorizationSchema>;

/** The device's own consent to being titled: without it no token can be minted (see docs/protocol.md). */
const consentBody = closed({
  purpose: Type.Literal("mint"),
  authorization: mintAuthorizationSchema,
  /** ES256 over the 66 bytes `0x1901 ‖ domainSeparator ‖ structHash`: r‖s, low-S, hex. */
  signature: Type.String({ pattern: "^[0-9a-f]{128}$" }),
});

const base = {
  v: Type.Literal(1),
  device: hash,
  host: Type.String({ pattern: "^[a-z0-9-]{1,64}$" }),
  /** Differs after every restart of the agent or the host: data, not order. */
  boot: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  seq: count,
  prev: hash,
  window: closed({ start_ms: time_ms, end_ms: time_ms, mono_start_ms: count, mono_end_ms: count }),
  /** A recent block: the report was signed after it. Null until the agent has seen one. */
  beacon: orNull(closed({ number: count, hash: word32 })),
  agent: Type.String({ minLength: 1, maxLength: 64 }),
  source: Type.Union([Type.Literal("nvidia-smi")]),
  /** True when the readings come from a simulator. */
  simulated: Type.Boolean(),
};

const kindOf = <K extends string, B extends TSchema>(kind: K, body: B) =>
  closed({ ...base, kind: Type.Literal(kind), body });

/** JSON Schema of a report, one member a kind; the TypeScript types below are derived from it and cannot drift. */
export const reportSchemas = {
  inventory: kindOf("inventory", inventoryBody),
  telemetry: kindOf("telemetry", telemetryBody),
  gap: kindOf("gap", gapBody),
  pause: kindOf("pause", pauseBody),
  consent: kindOf("consent", consentBody),
} as const;

export type ReportKind = keyof typeof reportSchemas;
export type InventoryReport = Static<(typeof reportSchemas)["inventory"]>;
export type TelemetryReport = Static<(typeof reportSchemas)["telemetry"]>;
export type GapReport = Static<(typeof reportSchemas)["gap"]>;
export type PauseReport = Static<(typeof reportSchemas)["pause"]>;
export type ConsentReport = Static<(typeof reportSchemas)["consent"]>;
export type Report = InventoryReport | TelemetryReport | GapReport | PauseReport | ConsentReport;
export type InventoryBody = InventoryReport["body"];
export type TelemetryBody = TelemetryReport["body"];
export type Presence = (typeof presences)[number];
export type GapReason = (typeof gapReasons)[number];
export type Beacon = { number: number; hash: string };
