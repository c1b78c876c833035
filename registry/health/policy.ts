/** The numbers that health is judged by. They stand in the log, so that a replay judges by what was in force. */
export type HealthPolicy = {
  /** Without fresh evidence for this long a device is stale. */
  stale_after_ms: number;
  /** A report that arrives this long after its window's end completes the chain and proves no uptime. */
  late_after_ms: number;
  /** Silence of the registry's own ticks that counts as its outage. */
  outage_after_ms: number;
  /** How often rules that only time moves are looked at, in the log's own time. */
  eval_every_ms: number;
  lost_cure_ms: number;
  probe_raise_ms: number;
  probe_cure_ms: number;
  ecc_cure_ms: number;
  remap_cure_ms: number;
  recovery_cure_ms: number;
  /** Without a further such Xid for this long, with the GPU there. */
  xid_cure_ms: number;
  implausible_cure_ms: number;
  util_low_permille: number;
  util_clear_permille: number;
  util_raise_ms: number;
  util_cure_ms: number;
  /** Lost or impaired for this long: a breach is proposed. */
  breach_after_ms: number;
  /** An announced pause counts for no longer than this, and not sooner than `pause_spacing_ms` after the last. */
  pause_max_ms: number;
  pause_spacing_ms: number;
  /** A GPU is asked for evidence again after a random time between these two: six times a day at least. */
  challenge_min_ms: number;
  challenge_max_ms: number;
  /** The same for a GPU that has never answered well; the first time it is asked like the others. */
  challenge_unanswered_ms: number;
  /** An answer that arrives later than this counts as none. */
  challenge_answer_ms: number;
  /** Silicon that has not answered well for this long, or so many times in a row, is only declared. */
  silicon_lapse_ms: number;
  silicon_missed_max: number;
  /** A good answer is told to keepers and chain when it comes this long after the one told last. Null: never. */
  presence_renew_ms: number | null;
};

const minute = 60_000;
const hour = 60 * minute;

/** Named presets. `standard` goes with windows of 60 s, `demo` with windows of 10 s. */
export const healthPolicies = {
  standard: {
    stale_after_ms: 5 * minute,
    late_after_ms: 15 * minute,
    outage_after_ms: 3 * minute,
    eval_every_ms: 1000,
    lost_cure_ms: 5 * minute,
    probe_raise_ms: 3 * minute,
    probe_cure_ms: 3 * minute,
    ecc_cure_ms: 30 * minute,
    remap_cure_ms: 5 * minute,
    recovery_cure_ms: 5 * minute,
    xid_cure_ms: 30 * minute,
    implausible_cure_ms: hour,
    util_low_permille: 50,
    util_clear_permille: 150,
    util_raise_ms: 6 * hour,
    util_cure_ms: hour,
    breach_after_ms: 72 * hour,
    pause_max_ms: 4 * hour,
    pause_spacing_ms: 24 * hour,
    challenge_min_ms: 10 * minute,
    challenge_max_ms: 4 * hour,
    challenge_unanswered_ms: 24 * hour,
    challenge_answer_ms: 30_000,
    silicon_lapse_ms: 12 * hour,
    silicon_missed_max: 3,
    presence_renew_ms: 6 * hour,
  },
  demo: {
    stale_after_ms: 25_000,
    late_after_ms: 15 * minute,
    outage_after_ms: 10_000,
    eval_every_ms: 1000,
    lost_cure_ms: 0,
    probe_raise_ms: 0,
    probe_cure_ms: 0,
    ecc_cure_ms: 0,
    remap_cure_ms: 0,
    recovery_cure_ms: 0,
    xid_cure_ms: 0,
    implausible_cure_ms: 0,
    util_low_permille: 50,
    util_clear_permille: 150,
    // A window of 10 s ends at a sample, and so may be a moment shorter.
    util_raise_ms: 9000,
    util_cure_ms: 0,
    breach_after_ms: 10 * minute,
    pause_max_ms: 10 * minute,
    pause_spacing_ms: minute,
    challenge_min_ms: 5000,
    challenge_max_ms: minute,
    challenge_unanswered_ms: 10 * minute,
    challenge_answer_ms: 30_000,
    silicon_lapse_ms: 3 * minute,
    silicon_missed_max: 3,
    presence_renew_ms: minute,
  },
} as const satisfies Record<string, HealthPolicy>;

export type HealthPolicyName = keyof typeof healthPolicies;
