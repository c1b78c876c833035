import type { HostFacts } from "../../protocol/report/schema.js";
import type { HostFiles } from "./hostFiles.js";
import { machineIdOf } from "./machineIdOf.js";
import { osNameOf } from "./osNameOf.js";
import { tellingText } from "./tellingText.js";
import { virtualizationOf } from "./virtualizationOf.js";

/**
 * What the machine says of itself. Declared, never proved: its owner can forge all of it. What is absent, says nothing,
 * or is for root alone (serial numbers are, as a rule) is null. Never throws for what the files hold.
 */
export function readHostFacts(files: HostFiles): HostFacts {
  const dmi = (name: string): string | null => tellingText(files.read(`/sys/class/dmi/id/${name}`));
  return {
    machine_id: machineIdOf(files.read("/etc/machine-id")),
    boot_id: bootIdOf(files.read("/proc/sys/kernel/random/boot_id")),
    vendor: dmi("sys_vendor"),
    product: dmi("product_name"),
    serial: dmi("product_serial"),
    board_serial: dmi("board_serial"),
    chassis_serial: dmi("chassis_serial"),
    bios_version: dmi("bios_version"),
    virtualization: virtualizationOf(files),
    os: osNameOf(files.read("/etc/os-release") ?? files.read("/usr/lib/os-release")),
    kernel: tellingText(files.read("/proc/sys/kernel/osrelease")),
  };
}

function bootIdOf(text: string | null): string | null {
  const id = text?.trim().replaceAll("-", "") ?? "";
  return /^[0-9a-f]{32}$/.test(id) ? id : null;
}
