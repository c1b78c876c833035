import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { reportSchemas } from "../../../protocol/report/schema.js";
import { noReading } from "../noReading.js";
import { readSaved } from "./readSaved.js";

const samples = process.env.CALIBER_SAMPLES ?? "../shared/samples";
const skip = !existsSync(samples) && process.env.CI !== "true";
const uuid = "GPU-00000000-0000-0000-0000-00000000000a";

const codeOf = (text: string) => {
  try {
    readSaved(text);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};

describe("CSV", () => {
  const header =
    "index, uuid, gpu_bus_id, name, power.draw [W], memory.used [MiB], pci.device_id, temperature.gpu";
  const row = (change = "70.25 W, 5 MiB, 0x233010DE, 31") =>
    `3, ${uuid}, 0000:0A:00.0, NVIDIA H100, ${change}`;

  it.each([
    ["units", `${header}\n${row()}\n`],
    ["no units", `${header}\r\n${row("70.25, 5, 0x233010DE, 31")}\r\n`],
    ["a byte order mark and a warning", `\ufeffWARNING: infoROM is corrupted\n\n${header}\n${row()}`],
    ["a loop: the last row counts", `${header}\n${row("1 W, 2 MiB, 0x1, 3")}\n${row()}\n`],
  ])("with %s", (_name, text) => {
    const { format, inventory, readings, unnamed } = readSaved(text);
    expect({ format, unnamed, length: inventory.length }).toEqual({ format: "csv", unnamed: [], length: 1 });
    expect(inventory[0]).toMatchObject({
      uuid,
      index: 3,
      pci_bus_id: "00000000:0a:00.0",
      pci_device_id: "233010DE",
      serial: null,
      mig_devices: null,
    });
    expect(readings).toEqual([
      {
        uuid,
        presence: "present",
        fast: { ...noReading.fast, power_mw: 70_250, fb_used_mib: 5, temp_mc: 31_000 },
        health: noReading.health,
      },
    ]);
  });

  it("a lost GPU keeps its name and gives no reading", () => {
    const { inventory, readings } = readSaved(`${header}\n${row("[GPU is lost], [GPU is lost], 0x1, 31")}`);
    expect(inventory[0]).toMatchObject({ uuid, name: "NVIDIA H100" });
    expect(readings[0]).toEqual({ uuid, presence: "lost", ...noReading });
  });

  it("says which GPUs gave no UUID", () => {
    const text = `${header}\n${row().replace(uuid, "[Unknown Error]")}`;
    expect(readSaved(text)).toMatchObject({ inventory: [], readings: [], unnamed: ["00000000:0a:00.0"] });
  });

  it.each([
    ["nothing", "", "NVIDIA_SMI_SAVED_UNKNOWN"],
    ["the default table", "+-----+\n| NVIDIA-SMI 580 |", "NVIDIA_SMI_SAVED_UNKNOWN"],
    ["the text form", "==============NVSMI LOG==============", "NVIDIA_SMI_SAVED_UNKNOWN"],
    ["no header", row(), "NVIDIA_SMI_SAVED_UNKNOWN"],
    ["no GPUs", "No devices were found\n", "NVIDIA_SMI_NO_DEVICES"],
    ["an XML without GPUs", "<nvidia_smi_log></nvidia_smi_log>", "NVIDIA_SMI_NO_DEVICES"],
    ["no column that names a GPU", "name, power.draw [W]\nH100, 7 W", "NVIDIA_SMI_CSV_MALFORMED"],
    ["a column twice", `${header}, gpu_uuid\n`, "NVIDIA_SMI_CSV_MALFORMED"],
    ["a row cut off", `${header}\n3, ${uuid}, 00`, "NVIDIA_SMI_CSV_MALFORMED"],
    [
      "a row of nobody",
      `${header}\n${row().replace(uuid, "x").replace("0000:0A:00.0", "y")}`,
      "NVIDIA_SMI_CSV_MALFORMED",
    ],
    [
      "two GPUs of one name",
      `${header}\n${row()}\n${row().replace("0A", "0B")}`,
      "NVIDIA_SMI_DUPLICATE_UUID",
    ],
    ["too many columns", `uuid${",".repeat(600)}`, "NVIDIA_SMI_CSV_MALFORMED"],
    ["too many lines", `uuid\n${"\n".repeat(200_000)}`, "NVIDIA_SMI_CSV_MALFORMED"],
    ["a broken XML", "<nvidia_smi_log><gpu>", "NVIDIA_SMI_XML_MALFORMED"],
  ])("%s is refused", (_name, text, code) => expect(codeOf(text)).toBe(code));
});

describe.skipIf(skip)("recorded files", () => {
  const valid = new Ajv({ strict: false }).compile(reportSchemas.inventory.properties.body);
  const xml = skip ? [] : readdirSync(`${samples}/nvidia-smi-xml`);

  it.each(xml)("%s", (name) => {
    const saved = readSaved(readFileSync(`${samples}/nvidia-smi-xml/${name}`, "utf8"));
    expect(saved).toMatchObject({ format: "xml", repairs: 0, unnamed: [] });
    expect(saved.inventory.map((gpu) => gpu.uuid)).toEqual(saved.readings.map((gpu) => gpu.uuid));
    for (const gpu of saved.inventory) expect(valid(gpu), JSON.stringify(valid.errors)).toBe(true);
  });
});
