/** What a model of GPU prints of itself. Numbers as nvidia-smi prints them; the identifiers are made from a seed. */
export type GpuModel = {
  product: string;
  architecture: string;
  boardPart: string;
  gpuPart: string;
  vbios: string;
  inforom: string;
  pciDeviceId: string;
  pciSubSystemId: string;
  fbTotalMib: number;
  powerLimitW: number;
  minPowerLimitW: number;
  idlePowerW: number;
  smClockMhz: number;
  idleClockMhz: number;
  memClockMhz: number;
  pcieGen: number;
  remapBanks: number;
  driver: string;
  cuda: string;
  /** Version of the XML's DTD: 12 lacks the PDI and splits of newer drivers. */
  dtd: 12 | 13;
  /** How many GPUs share one board, and with it one serial. */
  gpusPerBoard: 1 | 2;
  /** What the platform tells of where the GPU sits: the slot in the baseboard alone, an empty chassis too, or all of it. */
  platform: "module" | "unnamed" | "rack";
  /** NVLink: none to speak of, within the machine, or across the rack's machines. */
  fabric: "none" | "machine" | "rack";
};

const hopper = {
  architecture: "Hopper",
  pciSubSystemId: "16C110DE",
  powerLimitW: 700,
  minPowerLimitW: 200,
  smClockMhz: 1980,
  idleClockMhz: 345,
  pcieGen: 5,
  driver: "580.95.05",
  cuda: "13.0",
  dtd: 13,
  gpusPerBoard: 1,
  platform: "module",
  fabric: "machine",
} as const;

/** By the name that a scenario uses. */
export const models: Readonly<Record<string, GpuModel>> = {
  "H100 80GB HBM3": {
    ...hopper,
    product: "NVIDIA H100 80GB HBM3",
    boardPart: "692-2G520-0200-000",
    gpuPart: "2330-885-A1",
    vbios: "96.00.CF.00.01",
    inforom: "G520.0200.00.05",
    pciDeviceId: "233010DE",
    fbTotalMib: 81559,
    idlePowerW: 70,
    memClockMhz: 2619,
    remapBanks: 2560,
  },
  H200: {
    ...hopper,
    product: "NVIDIA H200",
    boardPart: "695-2G520-0280-001",
    gpuPart: "2335-895-A1",
    vbios: "96.00.D0.00.03",
    inforom: "G520.0280.00.04",
    pciDeviceId: "233510DE",
    pciSubSystemId: "18BE10DE",
    fbTotalMib: 143771,
    idlePowerW: 76,
    memClockMhz: 3201,
    remapBanks: 3072,
  },
  B200: {
    product: "NVIDIA B200",
    architecture: "Blackwell",
    boardPart: "692-2G525-0220-500",
    gpuPart: "2901-886-A1",
    vbios: "97.00.C5.00.02",
    inforom: "G525.0220.00.03",
    pciDeviceId: "290110DE",
    pciSubSystemId: "199910DE",
    fbTotalMib: 183359,
    powerLimitW: 1000,
    minPowerLimitW: 200,
    idlePowerW: 142,
    smClockMhz: 1965,
    idleClockMhz: 120,
    memClockMhz: 3996,
    pcieGen: 5,
    remapBanks: 4096,
    driver: "580.95.05",
    cuda: "13.0",
    dtd: 13,
    gpusPerBoard: 1,
    platform: "unnamed",
    fabric: "machine",
  },
  GB200: {
    product: "NVIDIA GB200",
    architecture: "Blackwell",
    boardPart: "900-2G548-A801-000",
    gpuPart: "2941-892-A1",
    vbios: "97.00.B9.00.0A",
    inforom: "G548.0201.00.06",
    pciDeviceId: "294110DE",
    pciSubSystemId: "204610DE",
    fbTotalMib: 189471,
    powerLimitW: 1200,
    minPowerLimitW: 200,
    idlePowerW: 165,
    smClockMhz: 2062,
    idleClockMhz: 120,
    memClockMhz: 3996,
    pcieGen: 5,
    remapBanks: 6144,
    driver: "580.95.05",
    cuda: "13.0",
    dtd: 13,
    gpusPerBoard: 2,
    platform: "rack",
    fabric: "rack",
  },
  "A100-SXM4-80GB": {
    product: "NVIDIA A100-SXM4-80GB",
    architecture: "Ampere",
    boardPart: "692-2G506-0212-002",
    gpuPart: "20B2-895-A1",
    vbios: "92.00.81.00.05",
    inforom: "G506.0212.00.02",
    pciDeviceId: "20B210DE",
    pciSubSystemId: "146310DE",
    fbTotalMib: 81920,
    powerLimitW: 400,
    minPowerLimitW: 100,
    idlePowerW: 61,
    smClockMhz: 1410,
    idleClockMhz: 210,
    memClockMhz: 1593,
    pcieGen: 4,
    remapBanks: 640,
    driver: "570.133.20",
    cuda: "12.8",
    dtd: 12,
    gpusPerBoard: 1,
    platform: "module",
    fabric: "none",
  },
};
