import type { HealthReading } from "../telemetrySource.js";
import type { Probe } from "./createProbe.js";

const errors = { corrected: 0, uncorrected: 1 } as const;
const counters = { volatile: 0, aggregate: 1 } as const;
const locations = { dram: 2, sram: 7 } as const;
/** L1, L2, register file, texture, CBU: where Volta and before count what is SRAM today. */
const oldSram = [0, 1, 3, 4, 6] as const;

type Errors = keyof typeof errors;
type Counter = keyof typeof counters;

/** One ECC counter since the driver was loaded (volatile) or in the GPU's life (aggregate). */
export function readEccCounter(
  probe: Probe,
  device: bigint,
  kind: Errors,
  counter: Counter,
  location: keyof typeof locations,
): number | null {
  return count(probe, device, kind, counter, locations[location]);
}

/** All four of one kind; null when the GPU tells none (ECC off, or none to count). */
export function readEcc(probe: Probe, device: bigint, counter: Counter): HealthReading["ecc_volatile"] {
  const sram = (kind: Errors) =>
    readEccCounter(probe, device, kind, counter, "sram") ?? sumOfOld(probe, device, kind, counter);
  const found = {
    sram_correctable: sram("corrected"),
    sram_uncorrectable: sram("uncorrected"),
    dram_correctable: readEccCounter(probe, device, "corrected", counter, "dram"),
    dram_uncorrectable: readEccCounter(probe, device, "uncorrected", counter, "dram"),
  };
  return Object.values(found).every((value) => value === null) ? null : found;
}

/** NVIDIA's threshold for replacing a GPU; the driver tells it to root alone. */
export function readSramThreshold(probe: Probe, device: bigint): boolean | null {
  // nvmlEccSramErrorStatus_v1_t: version, eleven counters of 64 bits, then the flag.
  if (!probe.struct("nvmlDeviceGetSramEccErrorStatus", device, 104, 1)) return null;
  const exceeded = probe.u32(96);
  return exceeded === 0 ? false : exceeded === 1 ? true : null;
}

function count(
  probe: Probe,
  device: bigint,
  kind: Errors,
  counter: Counter,
  location: number,
): number | null {
  return probe.get(
    "nvmlDeviceGetMemoryErrorCounter",
    device,
    errors[kind],
    counters[counter],
    location,
    probe.out,
  )
    ? probe.u64(0)
    : null;
}

function sumOfOld(probe: Probe, device: bigint, kind: Errors, counter: Counter): number | null {
  let sum: number | null = null;
  for (const location of oldSram) {
    const found = count(probe, device, kind, counter, location);
    if (found !== null) sum = (sum ?? 0) + found;
  }
  return sum === null || Number.isSafeInteger(sum) ? sum : null;
}
