import type { HostFiles } from "./hostFiles.js";

/** Names that hypervisors give to the machines they make, as they stand in DMI; names in the manner of systemd-detect-virt. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/\bKubeVirt\b|\bOpenStack\b|\bKVM\b/i, "kvm"],
  [/\bAmazon EC2\b/, "amazon"],
  [/\bGoogle Compute Engine\b/, "google"],
  [/\bQEMU\b/, "qemu"],
  [/\bVMware\b|^VMW/, "vmware"],
  [/\bVirtualBox\b|\binnotek GmbH\b/, "oracle"],
  [/\bXen\b/, "xen"],
  [/\bBochs\b/, "bochs"],
  [/\bParallels\b/, "parallels"],
  [/\bBHYVE\b/, "bhyve"],
  [/\bHyper-V\b/i, "microsoft"],
  [/\bApple Virtualization\b/, "apple"],
];

const dmi = "/sys/class/dmi/id";

/**
 * What this system runs in: a container's or hypervisor's name in lower case, `none` on bare metal, null when it cannot
 * be told. A container hides the hypervisor around it. `none` needs an x86 processor that shows no hypervisor: other
 * processors have no such flag, and the lack of a known name proves nothing. The host's owner can forge all of it.
 */
export function virtualizationOf(files: HostFiles): string | null {
  return containerOf(files) ?? machineOf(files);
}

function containerOf(files: HostFiles): string | null {
  const told = nameOf(files.read("/run/systemd/container"));
  if (told !== null) return told;
  if (files.exists("/run/.containerenv")) return "podman";
  if (files.exists("/.dockerenv")) return "docker";
  return /\/kubepods[./-]/.test(files.read("/proc/1/cgroup") ?? "") ? "kubernetes" : null;
}

function machineOf(files: HostFiles): string | null {
  const hypervisor = nameOf(files.read("/sys/hypervisor/type"));
  if (hypervisor !== null) return hypervisor;
  const flags = /^flags\s*:(.*)$/m.exec(files.read("/proc/cpuinfo") ?? "")?.[1];
  const hidden = flags !== undefined && !/\bhypervisor\b/.test(flags);
  // Clouds rent whole machines under the same maker's name: there the processor has the last word.
  if (hidden) return "none";
  const vendor = files.read(`${dmi}/sys_vendor`) ?? "";
  const product = files.read(`${dmi}/product_name`) ?? "";
  if (/^Microsoft Corporation\s*$/.test(vendor) && /^Virtual Machine\s*$/.test(product)) return "microsoft";
  // Without the flag's help a whole rented machine cannot be told from a part of one.
  if (flags === undefined && /\.metal\b/.test(product)) return null;
  const said = [
    product,
    vendor,
    files.read(`${dmi}/board_vendor`) ?? "",
    files.read(`${dmi}/bios_vendor`) ?? "",
  ];
  for (const text of said) {
    const maker = makers.find(([pattern]) => pattern.test(text));
    if (maker !== undefined) return maker[1];
  }
  return flags === undefined ? null : "vm-other";
}

function nameOf(text: string | null): string | null {
  const name = text?.trim().toLowerCase() ?? "";
  return /^[a-z0-9_-]{1,32}$/.test(name) ? name : null;
}
