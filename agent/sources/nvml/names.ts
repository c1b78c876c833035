/** nvmlBrandType_t as nvidia-smi spells it; a number that is not here is a brand that this program does not know. */
export const brands: Readonly<Record<number, string>> = {
  1: "Quadro",
  2: "Tesla",
  3: "NVS",
  4: "GRID",
  5: "GeForce",
  6: "Titan",
  7: "NVIDIA Virtual Applications",
  8: "NVIDIA Virtual PC",
  9: "NVIDIA Virtual Compute Server",
  10: "NVIDIA RTX Virtual Workstation",
  11: "NVIDIA Cloud Gaming",
  12: "Quadro RTX",
  13: "NVIDIA RTX",
  14: "NVIDIA",
  15: "GeForce RTX",
  16: "Titan RTX",
};

/** NVML_DEVICE_ARCH_*, likewise. */
export const architectures: Readonly<Record<number, string>> = {
  2: "Kepler",
  3: "Maxwell",
  4: "Pascal",
  5: "Volta",
  6: "Turing",
  7: "Ampere",
  8: "Ada Lovelace",
  9: "Hopper",
  10: "Blackwell",
  13: "Rubin",
};
