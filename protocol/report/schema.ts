import { type Static, type TSchema, Type } from "@sinclair/typebox";

/** Integers only: a float has no canonical form, and I-JSON promises no more than 2^53 - 1. */
const int = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const count = int(0, Number.MAX_SAFE_INTEGER);
const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
/**
 * One schema with two types, not a union of two: a validator that tries the members of a union builds an error for each
 * that does not fit, which for a report of nulls costs more than all the rest of its way.
 */
const orNull = <T extends TSchema & { type: string }>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, "null"] });
const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: "string", enum: values });
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

/**
 * The machine around the GPU, as its own system tells it: declared, never proved. `machine_id` is SHA-256 over
 * `caliber/machine-id/v1` and /etc/machine-id, which itself must not leave its host (machine-id(5)).
 */
const hostFacts = closed({
  machine_id: orNull(hash),
  boot_id: orNull(Type.String({ pattern: "^[0-9a-f]{32}$" })),
  vendor: orNull(text(128)),
  product: orNull(text(128)),
  serial: orNull(text(128)),
  board_serial: orNull(text(128)),
  chassis_serial: orNull(text(128)),
  bios_version: orNull(text(128)),
  /** `none` on bare metal, else the hypervisor's or container's name in lower case; null when it cannot be told. */
  virtualization: orNull(Type.String({ pattern: "^[a-z0-9_-]{1,32}$" })),
  os: orNull(text(128)),
  kernel: orNull(text(128)),
});

const migDevice = closed({
  gpu_instance: int(0, 4095),
  compute_instance: orNull(int(0, 4095)),
  uuid: orNull(text(96)),
  profile: orNull(text(64)),
  fb_total_mib: orNull(count),
});

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
  sm_clock_max_mhz: orNull(count),
  power_limit_mw: orNull(count),
  mig_enabled: orNull(Type.Boolean()),
  ecc_enabled: orNull(Type.Boolean()),
  persistence_enabled: orNull(Type.Boolean()),
  module_id: orNull(int(0, 1024)),
  chassis_serial: orNull(text(64)),
  chassis_slot: orNull(int(0, 65_535)),
  tray_index: orNull(int(0, 65_535)),
  /** Instances that the GPU is cut into; null when MIG is off or the source does not tell. */
  mig_devices: orNull(Type.Array(migDevice, { maxItems: 64 })),
  /** Null when the agent could read nothing of the host. */
  host: orNull(hostFacts),
});

export const presences = ["present", "lost", "missing", "probe_timeout"] as const;

/** Where readings come from first; and where those come from that this source cannot give. */
export const sourceNames = ["nvidia-smi", "nvml"] as const;
export const supplementNames = ["dcgm"] as const;
export const xidSources = ["kernel-log", "dcgm", "nvml"] as const;
export const xidSeverities = ["info", "watch", "impaired", "lost"] as const;
/** One kind of fault that the driver told in the window, however often. */
const xidEvent = closed({
  /** Null for a GPU that fell off the bus without an Xid. */
  xid: orNull(int(0, 65_535)),
  /** First and last time it was told; the two are one when it was told once. */
  first_ms: time_ms,
  last_ms: time_ms,
  count: int(1, Number.MAX_SAFE_INTEGER),
  source: oneOf(xidSources),
  /** The driver's own words, cut to 200 characters of printable ASCII. */
  detail: orNull(text(200)),
  /** NVIDIA's immediate resolution for it (`RESET_GPU` …); null where the catalogue says nothing. */
  resolution: orNull(Type.String({ pattern: "^[A-Z0-9_]{1,48}$" })),
  severity: oneOf(xidSeverities),
  /** Version of the table that gave resolution and severity. */
  rules: int(1, 65_535),
});

/** Something the readings say that cannot well be true together. Evidence, not a verdict. */
const implausibility = closed({
  code: Type.String({ pattern: "^[A-Z0-9_]{1,48}$" }),
  /** The numbers that contradict each other, in words, with their units. */
  evidence: text(200),
});

/** What a GPU did over one window. `presence` is `present` only when it answered with readings. */
const telemetryBody = closed({
  presence: oneOf(presences),
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
  /** NVIDIA's own threshold for replacing a GPU whose SRAM fails. */
  sram_threshold_exceeded: orNull(Type.Boolean()),
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
  /** NVLink fabric, in NVIDIA's words in lower_snake_case (`completed`, `success` …); null where there is none. */
  fabric: orNull(
    closed({
      state: orNull(Type.String({ pattern: "^[a-z0-9_]{1,48}$" })),
      status: orNull(Type.String({ pattern: "^[a-z0-9_]{1,48}$" })),
      clique_id: orNull(count),
      cluster_uuid: orNull(text(64)),
    }),
  ),
  /** Readings of this body that another source than `source` gave. */
  supplied: Type.Array(
    closed({
      source: oneOf(supplementNames),
      fields: Type.Array(Type.String({ pattern: "^[a-z0-9_]{1,48}$" }), { minItems: 1, maxItems: 32 }),
    }),
    { maxItems: 4 },
  ),
  xids: Type.Array(xidEvent, { maxItems: 64 }),
  implausible: Type.Array(implausibility, { maxItems: 32 }),
});

export const gapReasons = ["restart", "reboot", "state_lost", "spool_overflow", "suspended"] as const;

/** The agent's signed account of time, or of reports, that it cannot show. */
const gapBody = closed({
  reason: oneOf(gapReasons),
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

/** EIP-712 `Rotation` of CaliberToken, with the domain it is bound to. */
export const titleRotationSchema = closed({
  chain_id: int(1, Number.MAX_SAFE_INTEGER),
  contract: address,
  token_id: bigUint,
  /** The key that the title names. Others may have come and gone since. */
  old_key_hash: word32,
  new_key_hash: word32,
  evidence: word32,
  assurance: int(0, 255),
  nonce: bigUint,
  deadline: bigUint,
});
export type TitleRotation = Static<typeof titleRotationSchema>;

/** EIP-712 `Replacement` of CaliberToken, with the domain it is bound to. */
export const titleReplacementSchema = closed({
  chain_id: int(1, Number.MAX_SAFE_INTEGER),
  contract: address,
  token_id: bigUint,
  fingerprint: word32,
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
export type TitleReplacement = Static<typeof titleReplacementSchema>;

const signature = Type.String({ pattern: "^[0-9a-f]{128}$" });
/** Both keys' word that the title follows the device to its next key (titleRotationMessage): r‖s, low-S, hex. */
const rotateTitleBody = closed({
  rotation: titleRotationSchema,
  old_signature: signature,
  new_signature: signature,
});

/** The device's word that it stands in behind a title (titleReplacementMessage): r‖s, low-S, hex. */
const replaceTitleBody = closed({ replacement: titleReplacementSchema, signature });

export const evidenceCollectors = ["nvml", "nvattest"] as const;

/**
 * The GPU's own answer to one challenge of the registry. What it is worth is for the verifier to say: the nonce that it
 * must have signed follows from the members, see evidenceNonce. The bounds are those of NVML's buffers, and together they
 * fit an envelope.
 */
const evidenceBody = closed({
  challenge: hash,
  /** Statement that the device's chain ended with when the GPU was asked. */
  chain_head: hash,
  /** As it went into the nonce; null where the agent had none yet. */
  beacon: orNull(closed({ number: count, hash: Type.String({ pattern: "^0x[0-9a-f]{64}$" }) })),
  /** SPDM request and response, base64. */
  report: Type.String({ pattern: "^[A-Za-z0-9+/]+={0,2}$", minLength: 4, maxLength: 10_924 }),
  /** PEM, leaf first. */
  chain: Type.String({ pattern: "^[A-Za-z0-9+/=\\n -]+$", minLength: 1, maxLength: 5120 }),
  collector: oneOf(evidenceCollectors),
  /** When the challenge was heard, and when the GPU had answered. */
  asked_ms: time_ms,
  collected_ms: time_ms,
});

/**
 * The last report of a chain under one key: the key that goes on with it, and that key's word for it (rotationMessage), so
 * that nobody can name a key that is not his.
 */
const rotateBody = closed({
  /** Canonical 91-byte SPKI DER, base64. */
  successor_spki: Type.String({ pattern: "^[A-Za-z0-9+/]{122}==$" }),
  /** ES256 by the successor: r‖s, low-S, hex. */
  proof: Type.String({ pattern: "^[0-9a-f]{128}$" }),
});

/** The last report of a chain: its key never signs for a GPU again. */
const retireBody = closed({ reason: text(200) });

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
  source: oneOf(sourceNames),
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
  evidence: kindOf("evidence", evidenceBody),
  rotate: kindOf("rotate", rotateBody),
  retire: kindOf("retire", retireBody),
  "rotate-title": kindOf("rotate-title", rotateTitleBody),
  "replace-title": kindOf("replace-title", replaceTitleBody),
} as const;

export type ReportKind = keyof typeof reportSchemas;
export type InventoryReport = Static<(typeof reportSchemas)["inventory"]>;
export type TelemetryReport = Static<(typeof reportSchemas)["telemetry"]>;
export type GapReport = Static<(typeof reportSchemas)["gap"]>;
export type PauseReport = Static<(typeof reportSchemas)["pause"]>;
export type ConsentReport = Static<(typeof reportSchemas)["consent"]>;
export type EvidenceReport = Static<(typeof reportSchemas)["evidence"]>;
export type RotateReport = Static<(typeof reportSchemas)["rotate"]>;
export type RetireReport = Static<(typeof reportSchemas)["retire"]>;
export type RotateTitleReport = Static<(typeof reportSchemas)["rotate-title"]>;
export type ReplaceTitleReport = Static<(typeof reportSchemas)["replace-title"]>;
export type Report =
  | InventoryReport
  | TelemetryReport
  | GapReport
  | PauseReport
  | ConsentReport
  | EvidenceReport
  | RotateReport
  | RetireReport
  | RotateTitleReport
  | ReplaceTitleReport;
export type InventoryBody = InventoryReport["body"];
export type TelemetryBody = TelemetryReport["body"];
export type Presence = (typeof presences)[number];
export type SourceName = (typeof sourceNames)[number];
export type SupplementName = (typeof supplementNames)[number];
export type HostFacts = NonNullable<InventoryBody["host"]>;
export type MigDevice = NonNullable<InventoryBody["mig_devices"]>[number];
export type XidEvent = TelemetryBody["xids"][number];
export type XidSeverity = (typeof xidSeverities)[number];
export type Implausibility = TelemetryBody["implausible"][number];
export type GapReason = (typeof gapReasons)[number];
export type EvidenceCollector = (typeof evidenceCollectors)[number];
export type Beacon = { number: number; hash: string };
