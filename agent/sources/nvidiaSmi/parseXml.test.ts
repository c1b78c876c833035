import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../../protocol/errors.js";
import { noReading } from "../noReading.js";
import type { GpuReading } from "./gpuReading.js";
import { parseXml } from "./parseXml.js";

const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml`;
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";

const sample = (name: string) => parseXml(readFileSync(`${dir}/${name}.xml`, "utf8"));
const zeroEcc = { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 0, dram_uncorrectable: 0 };
const noRemaps = { correctable: 0, uncorrectable: 0, pending: false, failure: false };

/** What each recorded file must read as: number of GPUs, then values of the first. */
const expected: Record<string, { gpus: number; first: object }> = {
  "a100-sxm4-v12": {
    gpus: 1,
    first: {
      uuid: "GPU-513536b6-7d19-9063-b049-1e69664bb298",
      presence: "present",
      inventory: {
        mig_enabled: true,
        serial: "1650522003820",
        fb_total_mib: 81_920,
        power_limit_mw: 500_000,
      },
      fast: {
        util_permille: null,
        mem_util_permille: null,
        power_mw: 67_030,
        temp_mc: 27_000,
        fb_used_mib: 50,
      },
      health: { remapped_rows: null, recovery_action: null, ecc_volatile: zeroEcc },
    },
  },
  a10g: {
    gpus: 1,
    first: {
      uuid: "GPU-9a9a6c50-2a47-2f51-a902-b82c3b127e94",
      inventory: {
        serial: null,
        driver_version: "515.105.01",
        cuda_version: "11.7",
        power_limit_mw: 300_000,
      },
      fast: { util_permille: 0, power_mw: 25_580, pcie_gen: 1, pcie_width: 8, throttle: ["gpu_idle"] },
      health: { processes: 1, remapped_rows: noRemaps, ecc_volatile: zeroEcc },
    },
  },
  "gtx-1660-ti": {
    gpus: 1,
    first: {
      uuid: "GPU-304a277d-3545-63b8-3a36-dfde3c992989",
      inventory: { architecture: null, serial: null, brand: "GeForce", pdi: null, ecc_enabled: null },
      fast: { power_mw: 8930, temp_mc: 40_000, sm_clock_mhz: 300, mem_util_permille: 10 },
      health: { ecc_volatile: null, ecc_aggregate: null, remapped_rows: null, processes: 0 },
    },
  },
  "qx-a100": {
    gpus: 1,
    first: {
      inventory: { name: "NVIDIA A100-SXM4-40GB", serial: "1650000000001", pdi: null, module_id: 7 },
      fast: { power_mw: 49_680, temp_mc: 33_000 },
      health: { remapped_rows: noRemaps, recovery_action: "none" },
    },
  },
  "qx-b200": {
    gpus: 8,
    first: {
      inventory: {
        name: "NVIDIA B200",
        chassis_serial: null,
        pdi: "0x0000000000000001",
        board_part_number: "692-2G525-0220-500",
        persistence_enabled: false,
      },
      fast: { power_mw: 195_680, temp_mc: 39_000 },
      health: { ecc_volatile: zeroEcc },
    },
  },
  "qx-gb200": {
    gpus: 4,
    first: {
      inventory: { chassis_serial: "1820000000001", power_limit_mw: 1_200_000, fb_total_mib: 189_471 },
      // The module's 468 W stand elsewhere under the same name.
      fast: { power_mw: 165_930, temp_mc: 27_000 },
    },
  },
  "qx-gb200-healthy": {
    gpus: 2,
    first: {
      uuid: "GPU-b200b200-0000-0000-0000-000000000000",
      fast: { util_permille: 500, mem_util_permille: 250, power_mw: 618_350, temp_mc: 63_000 },
      health: {
        recovery_action: null,
        ecc_volatile: {
          sram_correctable: null,
          sram_uncorrectable: null,
          dram_correctable: 0,
          dram_uncorrectable: 0,
        },
      },
    },
  },
  "qx-gb200-lost": {
    gpus: 2,
    first: {
      presence: "present",
      health: {
        ecc_volatile: {
          sram_correctable: null,
          sram_uncorrectable: null,
          dram_correctable: 0,
          dram_uncorrectable: 5,
        },
        ecc_aggregate: {
          sram_correctable: null,
          sram_uncorrectable: null,
          dram_correctable: 0,
          dram_uncorrectable: 8,
        },
        remapped_rows: { correctable: 0, uncorrectable: 1, pending: false, failure: true },
      },
    },
  },
  "qx-gb200-throttle-counters": {
    gpus: 2,
    first: { fast: { util_permille: 360, power_mw: 145_000, temp_mc: 36_000 } },
  },
  "qx-h100": {
    gpus: 8,
    first: {
      uuid: "GPU-00000000-0000-0000-0000-000000000000",
      inventory: {
        index: 0,
        serial: "1650000000001",
        pdi: "0x0000000000000001",
        vbios_version: "96.00.99.00.01",
        gpu_part_number: "2330-885-A1",
        inforom_image_version: "G520.0200.00.05",
        pci_bus_id: "00000000:53:00.0",
        pci_device_id: "233010DE",
        pcie_gen_max: 5,
        pcie_width_max: 16,
        power_limit_mw: 700_000,
        module_id: 7,
        chassis_serial: null,
        persistence_enabled: true,
      },
      fast: { power_mw: 68_570, temp_mc: 29_000, sm_clock_mhz: 345, fb_used_mib: 0, util_permille: 0 },
      health: { pcie_replays: 150, ecc_volatile: zeroEcc, remapped_rows: noRemaps, recovery_action: "none" },
    },
  },
  "qx-l40s": {
    gpus: 1,
    first: {
      inventory: { architecture: "Ada Lovelace", mig_enabled: null, driver_version: "595.91.07" },
      fast: { power_mw: 65_640, pcie_width: 8 },
      health: { remapped_rows: noRemaps },
    },
  },
  "qx-t4": {
    gpus: 1,
    first: {
      inventory: { name: "Tesla T4", pdi: "0x0000000000000001" },
      // The average is N/A on this card: the next name in line counts.
      fast: { power_mw: 33_510 },
      health: { remapped_rows: null, ecc_aggregate: { ...zeroEcc, dram_correctable: 1 } },
    },
  },
  "rtx-3080-v12": {
    gpus: 1,
    first: {
      inventory: { serial: null, persistence_enabled: null, ecc_enabled: null, power_limit_mw: 336_000 },
      fast: { mem_util_permille: 370, power_mw: 22_780 },
      health: { processes: 5, ecc_volatile: null, remapped_rows: null },
    },
  },
  "tesla-t4": {
    gpus: 1,
    first: {
      uuid: "GPU-d37e67a5-91dd-3774-a5cb-99096249601a",
      inventory: { serial: null, module_id: 0, gpu_part_number: "900-2G183-0000-001" },
      fast: { power_mw: 26_780, pcie_gen: 3, pcie_width: 8, fb_used_mib: 1032, throttle: [] },
      health: { processes: 2, remapped_rows: null },
    },
  },
};

describe.skipIf(skip)("recorded files", () => {
  it("are all expected for something", () => {
    const names = readdirSync(dir).map((name) => name.replace(/\.xml$/, ""));
    expect(names.sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))("%s", (name, { gpus, first }) => {
    const readings = sample(name);
    expect(readings).toHaveLength(gpus);
    expect(readings[0]).toMatchObject(first);
    for (const { uuid } of readings) expect(uuid).toMatch(/^GPU-[0-9a-f-]{36}$/);
    expect(readings.map(({ inventory }) => inventory.index)).toEqual(readings.map((_, index) => index));
  });

  it("GB200: two boards' serials, four devices", () => {
    const readings = sample("qx-gb200");
    expect(new Set(readings.map(({ inventory }) => inventory.serial)).size).toBe(2);
    expect(new Set(readings.map(({ uuid }) => uuid)).size).toBe(4);
  });

  it("H100: replay counters are baselines, not faults", () => {
    expect(sample("qx-h100").map(({ health }) => health.pcie_replays)).toEqual([
      150, 144, 174, 158, 145, 172, 162, 106,
    ]);
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

const document = (gpu: string) => `<?xml version="1.0"?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><driver_version>550.1</driver_version><gpu id="00000000:01:00.0">
<uuid>GPU-00000000-0000-0000-0000-00000000000a</uuid><temperature><gpu_temp>40 C</gpu_temp></temperature>${gpu}
</gpu></nvidia_smi_log>`;
const one = (gpu: string): GpuReading => parseXml(document(gpu))[0]!;

describe("layouts", () => {
  it("adds parity and SEC-DED errors", () => {
    const { health } = one(`<ecc_errors><volatile><sram_uncorrectable_parity>2</sram_uncorrectable_parity>
      <sram_uncorrectable_secded>5</sram_uncorrectable_secded></volatile></ecc_errors>`);
    expect(health.ecc_volatile).toEqual({
      sram_correctable: null,
      sram_uncorrectable: 7,
      dram_correctable: null,
      dram_uncorrectable: null,
    });
  });

  it("reads single and double bit errors by unit", () => {
    const { health } = one(`<ecc_errors><aggregate>
      <single_bit><device_memory>1</device_memory><l2_cache>2</l2_cache><register_file>N/A</register_file><total>3</total></single_bit>
      <double_bit><device_memory>4</device_memory><l1_cache>5</l1_cache><register_file>6</register_file><total>15</total></double_bit>
      </aggregate></ecc_errors>`);
    expect(health.ecc_aggregate).toEqual({
      sram_correctable: 2,
      sram_uncorrectable: 11,
      dram_correctable: 1,
      dram_uncorrectable: 4,
    });
    expect(health.ecc_volatile).toBeNull();
  });

  it("does not take retired pages for remapped rows", () => {
    const { health } =
      one(`<retired_pages><double_bit_retirement><retired_count>9</retired_count></double_bit_retirement>
      <pending_retirement>Yes</pending_retirement></retired_pages><remapped_rows>N/A</remapped_rows>`);
    expect(health.remapped_rows).toBeNull();
  });

  it("reads by path: the same name elsewhere is another thing", () => {
    const { fast } = one(`<module_power_readings><power_draw>900 W</power_draw></module_power_readings>
      <mig_devices><mig_device><utilization><gpu_util>77 %</gpu_util></utilization></mig_device></mig_devices>
      <power_readings><power_draw>50 W</power_draw></power_readings>`);
    expect(fast.power_mw).toBe(50_000);
    expect(fast.util_permille).toBeNull();
  });

  it("MIG makes utilization null even where a driver prints 0", () => {
    const { fast } = one(`<mig_mode><current_mig>Enabled</current_mig></mig_mode>
      <utilization><gpu_util>0 %</gpu_util><memory_util>0 %</memory_util></utilization>`);
    expect(fast).toMatchObject({ util_permille: null, mem_util_permille: null, temp_mc: 40_000 });
  });

  it("a tenant's process name cannot make a GPU read as lost", () => {
    const { presence, health } = one(
      "<processes><process_info><pid>1</pid><process_name>GPU is lost</process_name></process_info></processes>",
    );
    expect(presence).toBe("present");
    expect(health.processes).toBe(1);
  });

  it("a counter beyond 2^53 is no reading rather than a wrong one", () => {
    const { health } = one("<pci><replay_counter>9007199254740993</replay_counter></pci>");
    expect(health.pcie_replays).toBeNull();
  });

  it("skips warnings around the document", () => {
    const text = `WARNING: something\n${document("")}\nWARNING: infoROM is corrupted at gpu 0000:01:00.0\n`;
    expect(parseXml(text)).toHaveLength(1);
  });

  it("keeps a GPU whose UUID cannot be read, by its address", () => {
    const [reading] = parseXml(
      '<nvidia_smi_log><gpu id="0000:0A:00.0"><uuid>Unknown Error</uuid></gpu></nvidia_smi_log>',
    );
    expect(reading).toMatchObject({ uuid: null, bus_id: "00000000:0a:00.0", presence: "lost" });
  });
});

describe("hostile text", () => {
  const codeOf = (text: string): string => {
    try {
      parseXml(text);
    } catch (error) {
      if (error instanceof CaliberError) return error.code;
      throw error;
    }
    return "none";
  };

  it.each([
    ["nothing", "", "NVIDIA_SMI_XML_MALFORMED"],
    ["an error message", "NVIDIA-SMI has failed", "NVIDIA_SMI_XML_MALFORMED"],
    ["another document", "<html></html>", "NVIDIA_SMI_XML_MALFORMED"],
    ["an unclosed element", "<nvidia_smi_log><gpu></nvidia_smi_log>", "NVIDIA_SMI_XML_MALFORMED"],
    ["a cut-off document", "<nvidia_smi_log><gpu id='1'>", "NVIDIA_SMI_XML_MALFORMED"],
    ["an undefined entity", "<nvidia_smi_log>&lol;</nvidia_smi_log>", "NVIDIA_SMI_XML_MALFORMED"],
    ["deep nesting", `<nvidia_smi_log>${"<a>".repeat(100)}`, "NVIDIA_SMI_XML_MALFORMED"],
    ["too many GPUs", `<nvidia_smi_log>${"<gpu/>".repeat(300)}</nvidia_smi_log>`, "NVIDIA_SMI_XML_MALFORMED"],
    ["endless space", `<nvidia_smi_log>${" ".repeat(17 << 20)}`, "NVIDIA_SMI_OUTPUT_TOO_LARGE"],
    [
      "a defined entity",
      '<!DOCTYPE a [<!ENTITY x "y">]><nvidia_smi_log><driver_version>&x;</driver_version></nvidia_smi_log>',
      "NVIDIA_SMI_XML_MALFORMED",
    ],
  ])("%s", (_name, text, code) => expect(codeOf(text)).toBe(code));

  it("refuses two GPUs under one UUID", () => {
    const gpu = "<gpu><uuid>GPU-00000000-0000-0000-0000-00000000000a</uuid></gpu>";
    expect(codeOf(`<nvidia_smi_log>${gpu}${gpu}</nvidia_smi_log>`)).toBe("NVIDIA_SMI_DUPLICATE_UUID");
  });

  it("any damage to a document ends in readings or a coded error", () => {
    const whole = document(
      "<utilization><gpu_util>50 %</gpu_util></utilization><ecc_errors><volatile><dram_uncorrectable>1</dram_uncorrectable></volatile></ecc_errors>",
    );
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(40),
        fc.string({ unit: "binary", maxLength: 40 }),
        (at, drop, insert) => {
          expect(codeOf(whole.slice(0, at) + insert + whole.slice(at + drop))).toMatch(
            /^(none|NVIDIA_SMI_\w+)$/,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("text without digits in every leaf gives no number at all", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z !%[\]/]{0,30}$/), (text) => {
        const leaves = ["fb_memory_usage/used", "utilization/gpu_util", "clocks/sm_clock"].map((path) => {
          const [outer, inner] = path.split("/");
          return `<${outer}><${inner}>${text}</${inner}></${outer}>`;
        });
        const { fast, health } = one(leaves.join(""));
        expect([fast.fb_used_mib, fast.util_permille, fast.sm_clock_mhz]).toEqual([null, null, null]);
        expect([health.ecc_volatile, health.remapped_rows, health.processes]).toEqual([null, null, null]);
      }),
    );
  });
});
