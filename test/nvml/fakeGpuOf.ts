import { reasonsOf } from "../simulator/csvFields.js";
import type { GpuState } from "../simulator/gpuState.js";
import { type FakeGpu, fakeGpu } from "./fakeGpu.js";

const mib = 2 ** 20;
const actions = ["None", "Reset", "Reboot", "Drain P2P", "Drain and Reset"];
const architectures: Readonly<Record<string, number>> = { Ampere: 7, Hopper: 9, Blackwell: 10 };
/** nvidia-smi prints watts with two decimals. */
const milliwatts = (watts: number) => Math.round(watts * 100) * 10;

/** What NVML would say of a GPU of the simulator. */
export function fakeGpuOf(gpu: GpuState): FakeGpu {
  const { model, place, fabric } = gpu;
  const { gpu_idle, sw_power_cap } = reasonsOf(gpu);
  const chassis = place.chassis ?? "";
  return fakeGpu(gpu.index, {
    uuid: gpu.uuid,
    bus: gpu.busId,
    pci_id: Number.parseInt(model.pciDeviceId, 16),
    name: model.product,
    architecture: architectures[model.architecture],
    serial: gpu.serial,
    pdi: model.dtd >= 13 ? gpu.pdi : undefined,
    vbios: model.vbios,
    board_part: model.boardPart,
    inforom: model.inforom,
    gen_max: model.pcieGen,
    gen: model.pcieGen,
    sm_clock_max: model.smClockMhz,
    power_limit: model.powerLimitW * 1000,
    module: gpu.moduleId,
    platform:
      model.platform === "module"
        ? undefined
        : `${place.slot ?? 255} ${place.tray ?? 255} 1 0 ${gpu.moduleId} ${chassis}`,
    mig: gpu.mig ? 1 : 0,
    util: gpu.util,
    mem_util: gpu.memUtil,
    fb_total: model.fbTotalMib * mib,
    fb_used: gpu.fbUsedMib * mib,
    power: milliwatts(gpu.powerW),
    temp: gpu.tempC,
    sm_clock: gpu.smClockMhz,
    energy: undefined,
    sm_activity: undefined,
    throttle: (gpu_idle ? 1 : 0) | (sw_power_cap ? 4 : 0),
    sram_corr_agg: 0,
    dram_corr_vol: 0,
    dram_corr_agg: 0,
    dram_unc_vol: gpu.eccVolatile,
    dram_unc_agg: gpu.eccAggregate,
    remapped: `0 ${gpu.remapped} ${gpu.remapPending ? 1 : 0} 0`,
    recovery: actions.indexOf(gpu.recovery),
    replays: gpu.replays,
    compute: gpu.processes.map(({ pid }) => pid).join(" "),
    graphics: "",
    fabric: fabric === null ? undefined : `3 0 ${fabric.clique} ${fabric.cluster.replaceAll("-", "")}`,
  });
}
