/** What is known of a model of GPU, from recorded captures of it (see docs/health.md). */
export type GpuModel = {
  /** As nvidia-smi prints it, without the maker's name. */
  name: string;
  /** PCI device id, 4 hex digits in upper case; also the first part of the GPU part number. */
  pci_id: string;
  architecture: string;
  fb_total_mib: number;
  /** The most that the GPU's own side of the link can do. */
  pcie_gen_max: number;
  pcie_width_max: number;
  sm_clock_max_mhz: number;
  /** The highest limit that its maker ships it with. */
  power_limit_max_mw: number;
  /** The most that it was seen to draw with nothing running, at its lowest clocks; null when that was never recorded. */
  idle_power_mw: number | null;
};

/**
 * Data-center models. Only what a capture of that very model shows stands here: a model that is not listed is judged by
 * the rules that need no model, and nothing is guessed of it.
 */
export const gpuModels: readonly GpuModel[] = [
  {
    name: "H100 80GB HBM3",
    pci_id: "2330",
    architecture: "Hopper",
    fb_total_mib: 81_559,
    pcie_gen_max: 5,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1980,
    power_limit_max_mw: 700_000,
    idle_power_mw: 70_000,
  },
  {
    name: "H200",
    pci_id: "2335",
    architecture: "Hopper",
    fb_total_mib: 143_771,
    pcie_gen_max: 5,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1980,
    power_limit_max_mw: 700_000,
    idle_power_mw: 78_000,
  },
  {
    name: "B200",
    pci_id: "2901",
    architecture: "Blackwell",
    fb_total_mib: 183_359,
    pcie_gen_max: 5,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1965,
    power_limit_max_mw: 1_000_000,
    idle_power_mw: 196_000,
  },
  {
    name: "GB200",
    pci_id: "2941",
    architecture: "Blackwell",
    fb_total_mib: 189_471,
    pcie_gen_max: 6,
    pcie_width_max: 16,
    sm_clock_max_mhz: 2062,
    power_limit_max_mw: 1_200_000,
    idle_power_mw: 166_000,
  },
  {
    name: "A100-SXM4-40GB",
    pci_id: "20B0",
    architecture: "Ampere",
    fb_total_mib: 40_960,
    pcie_gen_max: 4,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1410,
    power_limit_max_mw: 400_000,
    idle_power_mw: 50_000,
  },
  {
    name: "A100-SXM4-80GB",
    pci_id: "20B2",
    architecture: "Ampere",
    fb_total_mib: 81_920,
    pcie_gen_max: 4,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1410,
    power_limit_max_mw: 500_000,
    // Recorded with its clocks up only.
    idle_power_mw: null,
  },
  {
    name: "L40S",
    pci_id: "26B9",
    architecture: "Ada Lovelace",
    fb_total_mib: 46_068,
    pcie_gen_max: 4,
    pcie_width_max: 16,
    sm_clock_max_mhz: 2520,
    power_limit_max_mw: 350_000,
    idle_power_mw: 36_000,
  },
  {
    name: "T4",
    pci_id: "1EB8",
    architecture: "Turing",
    fb_total_mib: 15_360,
    pcie_gen_max: 3,
    pcie_width_max: 16,
    sm_clock_max_mhz: 1590,
    power_limit_max_mw: 70_000,
    // Recorded with its clocks up only.
    idle_power_mw: null,
  },
];
