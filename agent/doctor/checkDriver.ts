import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

const nvidiaVendor = "0x10de";
/** PCI class of display controllers (VGA and 3D); the sound of a graphics card is no GPU. */
const displayClass = /^0x03/;

/** Is NVIDIA's kernel module loaded, and is there hardware for it? */
export function checkDriver(files: HostFiles): Check {
  return {
    id: "driver",
    run() {
      const version = versionOf(files.read("/proc/driver/nvidia/version"));
      if (version !== null) return findings.ok(`The NVIDIA driver ${version} is loaded.`);
      const gpus = nvidiaGpus(files);
      if (gpus > 0) {
        return findings.fail(
          `${gpus} NVIDIA ${gpus === 1 ? "GPU is" : "GPUs are"} on the PCI bus, but the NVIDIA driver is not loaded.`,
          "Install the data center driver of your distribution, then run `modprobe nvidia` or reboot.",
        );
      }
      return findings.fail(
        "This machine shows no NVIDIA GPU: none on the PCI bus, and no NVIDIA driver loaded.",
        "Run the agent on the machine that holds the GPUs; in a container, pass the GPUs through to it.",
      );
    },
  };
}

/** `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build …` */
function versionOf(text: string | null): string | null {
  if (text === null) return null;
  return (
    /^NVRM version:.{0,200}?\s(\d{3,4}\.\d{1,4}(?:\.\d{1,4})?)\s/m.exec(text)?.[1] ??
    "of an unreadable version"
  );
}

function nvidiaGpus(files: HostFiles): number {
  const directory = "/sys/bus/pci/devices";
  return files.list(directory).filter((name) => {
    const vendor = files.read(`${directory}/${name}/vendor`)?.trim();
    return vendor === nvidiaVendor && displayClass.test(files.read(`${directory}/${name}/class`) ?? "");
  }).length;
}
