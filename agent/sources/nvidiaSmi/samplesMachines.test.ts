import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { noReading } from "../noReading.js";
import { parseXml } from "./parseXml.js";

const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml`;
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";

const sample = (name: string) => parseXml(readFileSync(`${dir}/${name}.xml`, "utf8"));
const inMachine = { state: "completed", status: "success", clique_id: 0, cluster_uuid: null };
const nowhere = { chassis_serial: null, chassis_slot: null, tray_index: null };

describe.skipIf(skip)("recorded machines of several GPUs", () => {
  /** One value of every GPU of a file, in its order. */
  const column = (name: string, of: (reading: ReturnType<typeof sample>[number]) => unknown) =>
    sample(name).map(of);

  it("A100 with MIG on: four instances", () => {
    expect(column("a100-sxm4-v12", ({ inventory }) => inventory.mig_devices)).toEqual([
      [3, 4, 5, 6].map((gpu_instance) => ({
        gpu_instance,
        compute_instance: 0,
        uuid: null,
        profile: null,
        fb_total_mib: 19_968,
      })),
    ]);
  });

  it("GB200: two boards' serials, four devices, one chassis", () => {
    expect(column("qx-gb200", ({ inventory }) => inventory.serial)).toEqual([
      "1650000000001",
      "1650000000001",
      "1650000000002",
      "1650000000002",
    ]);
    expect(new Set(column("qx-gb200", ({ uuid }) => uuid)).size).toBe(4);
    expect(column("qx-gb200", ({ inventory }) => inventory.module_id)).toEqual([2, 1, 4, 3]);
    for (const { inventory } of sample("qx-gb200")) {
      expect(inventory).toMatchObject({ chassis_serial: "1820000000001", chassis_slot: 14, tray_index: 4 });
    }
    expect(column("qx-gb200", ({ fast }) => fast.power_mw)).toEqual([165_930, 168_570, 156_480, 171_990]);
  });

  it("H100: eight of a kind; replay counters are baselines, not faults", () => {
    expect(column("qx-h100", ({ health }) => health.pcie_replays)).toEqual([
      150, 144, 174, 158, 145, 172, 162, 106,
    ]);
    expect(column("qx-h100", ({ fast }) => fast.power_mw)).toEqual([
      68_570, 67_010, 67_450, 71_370, 66_660, 68_110, 69_800, 68_070,
    ]);
    expect(column("qx-h100", ({ inventory }) => inventory.module_id)).toEqual([7, 5, 6, 8, 1, 3, 4, 2]);
    expect(column("qx-h100", ({ bus_id }) => bus_id?.slice(9, 11))).toEqual([
      "53",
      "64",
      "75",
      "86",
      "97",
      "a8",
      "b9",
      "ca",
    ]);
    expect(column("qx-h100", ({ health }) => health.fabric)).toEqual(Array(8).fill(inMachine));
  });

  it("B200: an empty chassis serial is none, in all eight", () => {
    for (const { inventory, health } of sample("qx-b200")) {
      expect(inventory).toMatchObject(nowhere);
      expect(health.fabric).toEqual(inMachine);
    }
    expect(column("qx-b200", ({ fast }) => fast.temp_mc)).toEqual(
      [39, 53, 38, 52, 38, 51, 37, 51].map((degrees) => degrees * 1000),
    );
    expect(new Set(column("qx-b200", ({ inventory }) => inventory.serial)).size).toBe(8);
  });

  it("a lost GPU keeps what identifies it and no reading", () => {
    const lost = sample("qx-gb200-lost")[1]!;
    expect(lost.presence).toBe("lost");
    expect(lost.uuid).toBe("GPU-b200b200-0000-0000-0000-000000000001");
    expect(lost.inventory).toMatchObject({
      serial: "1562849103701",
      name: "NVIDIA GB200",
      vbios_version: "96.00.9E.00.01",
      fb_total_mib: null,
    });
    expect({ fast: lost.fast, health: lost.health }).toEqual(noReading);
  });
});
