import { decimalOf } from "./decimalOf.js";

export type MigInstance = { profile: string | null; sm_active: string | null };

export type SmActivity = {
  permille: number | null;
  /** More than all SMs were said to be active. */
  above: boolean;
  /** An instance whose size cannot be told. */
  unknown: boolean;
};

/** Compute slices of the GPUs that have fewer than the seven of A100, H100, H200 and B200. */
const fewerSlices: readonly (readonly [RegExp, number])[] = [
  [/\bA30\b/, 4],
  [/\bRTX PRO [56]000\b/, 4],
];
/** `3g.40gb`, `1g.10gb+me`, `1c.3g.40gb`: compute slices before the g. */
const profileForm = /^(?:\d{1,2}c\.)?(\d{1,2})g\.\d/;

/** A ratio as permille, more than one as one; null where there is none. */
function ratioOf(value: string | null): { permille: bigint | null; above: boolean } {
  const exact = value === null ? null : decimalOf(value, 6);
  if (exact === null || exact < 0n) return { permille: null, above: false };
  return { permille: exact > 1_000_000n ? 1000n : exact / 1000n, above: exact > 1_000_000n };
}

/**
 * SM activity of a GPU that is cut into instances: theirs, weighted by their compute slices, over all slices that the GPU
 * has. A slice that nobody was given does nothing, so one small busy instance does not make a busy GPU. Null when one
 * instance's activity or size is not known: that is not zero.
 */
export function smActivityOfInstances(
  instances: readonly MigInstance[],
  model: string | null,
  maxSlices: number | null,
): SmActivity {
  let weighted = 0n;
  let given = 0n;
  let above = false;
  for (const { profile, sm_active } of instances) {
    const slices = profileForm.exec(profile ?? "")?.[1];
    if (slices === undefined) return { permille: null, above, unknown: true };
    const { permille, above: over } = ratioOf(sm_active);
    if (permille === null) return { permille: null, above, unknown: false };
    above ||= over;
    weighted += permille * BigInt(slices);
    given += BigInt(slices);
  }
  const known = maxSlices ?? fewerSlices.find(([form]) => form.test(model ?? ""))?.[1] ?? 7;
  const all = BigInt(known) > given ? BigInt(known) : given;
  if (all === 0n || instances.length === 0) return { permille: null, above, unknown: false };
  return { permille: Number(weighted / all), above, unknown: false };
}

/** SM activity of a GPU that says it itself. */
export function smActivityOf(value: string | null): SmActivity {
  const { permille, above } = ratioOf(value);
  return { permille: permille === null ? null : Number(permille), above, unknown: false };
}
