import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../../protocol/errors.js";
import type { GpuReading } from "./gpuReading.js";
import { parseXml } from "./parseXml.js";

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
