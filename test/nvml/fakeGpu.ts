/** What a GPU of the fake library says, by its keys (see fakeNvml.c); a value `!N` is a return code. */
export type FakeGpu = Record<string, string | number>;

const busNumbers = [0x18, 0x2a, 0x3a, 0x5d, 0x84, 0x8b, 0x91, 0xe4];
const mib = 2 ** 20;

/** The UUID of the fake's GPU `n`. */
export const fakeUuid = (n: number): string =>
  `GPU-${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;

/** A healthy H100 that computes; `over` changes what it says, and a value of undefined takes a key away. */
export function fakeGpu(n: number, over: Record<string, string | number | undefined> = {}): FakeGpu {
  const bus = (busNumbers[n] ?? 0xe5 + n).toString(16).toUpperCase().padStart(2, "0");
  const gpu = {
    uuid: fakeUuid(n),
    bus: `00000000:${bus}:00.0`,
    pci_id: 0x233010de,
    name: "NVIDIA H100 80GB HBM3",
    brand: 14,
    architecture: 9,
    serial: `16500000000${String(n).padStart(2, "0")}`,
    pdi: `0x${(0xabcdef00 + n).toString(16)}`,
    vbios: "96.00.CF.00.01",
    board_part: "692-2G520-0200-000",
    inforom: "G520.0200.00.05",
    gen_max: 5,
    width_max: 16,
    sm_clock_max: 1980,
    power_limit: 700_000,
    ecc: 1,
    persistence: 1,
    module: n + 1,
    mig: 0,
    util: 97,
    mem_util: 41,
    fb_total: 81_559 * mib + 4096,
    fb_reserved: 512 * mib,
    fb_used: 70_000 * mib + 1,
    power: 651_234,
    temp: 61,
    sm_clock: 1965,
    gen: 5,
    width: 16,
    energy: "9007199254740993",
    throttle: "0x4",
    sram_corr_vol: 0,
    sram_unc_vol: 0,
    dram_corr_vol: 3,
    dram_unc_vol: 0,
    sram_corr_agg: 1,
    sram_unc_agg: 0,
    dram_corr_agg: 8,
    dram_unc_agg: 0,
    sram_exceeded: 0,
    remapped: "1 0 0 0",
    recovery: 0,
    replays: 106,
    compute: "4242 4243",
    graphics: "4242",
    fabric: "3 0 0 00000000000000000000000000000000",
    sm_activity: "73.46",
    ...over,
  };
  return Object.fromEntries(Object.entries(gpu).filter(([, value]) => value !== undefined)) as FakeGpu;
}
