import { generateKeyPairSync, hash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseReport } from "../../protocol/report/parseReport.js";
import { inventoryOf, testChain } from "../../test/support/testReports.js";
import { type HostFiles, hostFiles } from "./hostFiles.js";
import { osNameOf } from "./osNameOf.js";
import { readHostFacts } from "./readHostFacts.js";
import { tellingText } from "./tellingText.js";
import { virtualizationOf } from "./virtualizationOf.js";

const filesOf = (contents: Record<string, string>): HostFiles => ({
  read: (path) => contents[path] ?? null,
  exists: (path) => path in contents,
  list: () => [],
});
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const dmi = "/sys/class/dmi/id";
const metal = "processor\t: 0\nflags\t\t: fpu vme de pse\n";
const guest = "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n";
const server = {
  [`${dmi}/sys_vendor`]: "Supermicro\n",
  [`${dmi}/product_name`]: "SYS-821GE-TNHR\n",
  [`${dmi}/product_serial`]: "S123456X7890\n",
  [`${dmi}/board_serial`]: "Default string\n",
  [`${dmi}/chassis_serial`]: "0000000\n",
  [`${dmi}/bios_version`]: "2.1\n",
  "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
  "/proc/sys/kernel/random/boot_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n",
  "/proc/sys/kernel/osrelease": "6.8.0-48-generic\n",
  "/proc/cpuinfo": metal,
  "/etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
};
const empty = {
  machine_id: null,
  boot_id: null,
  vendor: null,
  product: null,
  serial: null,
  board_serial: null,
  chassis_serial: null,
  bios_version: null,
  virtualization: null,
  os: null,
  kernel: null,
};

describe("readHostFacts", () => {
  it("reads a server, and takes firmware's placeholders for what they are", () => {
    expect(readHostFacts(filesOf(server))).toEqual({
      machine_id: hash("sha256", "caliber/machine-id/v10123456789abcdef0123456789abcdef", "hex"),
      boot_id: "6ba7b8109dad11d180b400c04fd430c8",
      vendor: "Supermicro",
      product: "SYS-821GE-TNHR",
      serial: "S123456X7890",
      board_serial: null,
      chassis_serial: null,
      bios_version: "2.1",
      virtualization: "none",
      os: "Ubuntu 22.04.5 LTS",
      kernel: "6.8.0-48-generic",
    });
  });

  it("knows nothing where there is nothing", () => {
    expect(readHostFacts(filesOf({}))).toEqual(empty);
  });

  it("knows nothing of a machine-id that none has yet", () => {
    for (const id of ["uninitialized\n", `${"0".repeat(32)}\n`, "", "0123456789ABCDEF0123456789ABCDEF"]) {
      expect(readHostFacts(filesOf({ "/etc/machine-id": id })).machine_id).toBe(null);
    }
  });

  it("gives a valid inventory whatever the files hold", () => {
    const paths = Object.keys(server);
    const contents = fc.array(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.constant(null)), {
      minLength: paths.length,
      maxLength: paths.length,
    });
    fc.assert(
      fc.property(contents, (values) => {
        const files = filesOf(
          Object.fromEntries(paths.flatMap((path, n) => (values[n] == null ? [] : [[path, values[n]]]))),
        );
        const body = { ...inventoryOf("GPU-a"), host: readHostFacts(files) };
        const chain = testChain({ id: "0".repeat(64), key }, "h-test");
        const report = chain.draft("inventory", body, { start_ms: 1, end_ms: 1 });
        expect(parseReport(Buffer.from(JSON.stringify(report)))).toEqual(report);
      }),
      { numRuns: 200 },
    );
  });
});

describe("virtualizationOf", () => {
  it.each([
    ["bare metal", { "/proc/cpuinfo": metal }, "none"],
    ["a guest without a name", { "/proc/cpuinfo": guest }, "vm-other"],
    [
      "KVM by its product",
      { "/proc/cpuinfo": guest, [`${dmi}/product_name`]: "KVM Virtual Machine\n" },
      "kvm",
    ],
    ["EC2", { "/proc/cpuinfo": guest, [`${dmi}/sys_vendor`]: "Amazon EC2\n" }, "amazon"],
    [
      "a whole EC2 machine",
      {
        "/proc/cpuinfo": metal,
        [`${dmi}/sys_vendor`]: "Amazon EC2\n",
        [`${dmi}/product_name`]: "p5.metal\n",
      },
      "none",
    ],
    [
      "Azure",
      {
        "/proc/cpuinfo": guest,
        [`${dmi}/sys_vendor`]: "Microsoft Corporation\n",
        [`${dmi}/product_name`]: "Virtual Machine\n",
      },
      "microsoft",
    ],
    ["Xen", { "/proc/cpuinfo": guest, "/sys/hypervisor/type": "xen\n" }, "xen"],
    ["Docker on bare metal", { "/proc/cpuinfo": metal, "/.dockerenv": "" }, "docker"],
    ["Podman", { "/run/.containerenv": "" }, "podman"],
    ["what systemd was told", { "/run/systemd/container": "lxc-libvirt\n" }, "lxc-libvirt"],
    ["Kubernetes", { "/proc/1/cgroup": "0::/kubepods.slice/kubepods-pod1.slice\n" }, "kubernetes"],
    ["an ARM server, which has no such flag", { "/proc/cpuinfo": "Features\t: fp asimd\n" }, null],
    ["an ARM guest", { "/proc/cpuinfo": "Features\t: fp\n", [`${dmi}/sys_vendor`]: "QEMU\n" }, "qemu"],
    [
      "an ARM machine that may be whole",
      { [`${dmi}/sys_vendor`]: "Amazon EC2\n", [`${dmi}/product_name`]: "a1.metal\n" },
      null,
    ],
  ])("tells %s", (_name, contents, expected) => {
    expect(virtualizationOf(filesOf(contents))).toBe(expected);
  });
});

describe("tellingText", () => {
  it.each([
    "To Be Filled By O.E.M.",
    "Default string",
    "0000000",
    "Not Specified",
    "................",
    "FFFFFFFF",
    " \n",
    "Gerät",
    "a\u0000b",
    "x".repeat(129),
  ])("takes %j for nothing", (text) => {
    expect(tellingText(text)).toBe(null);
  });

  it("keeps what may be a serial number", () => {
    for (const text of ["0000001", "CZ2D1X0ABC", "VMware-56 4d"]) expect(tellingText(`${text}\n`)).toBe(text);
  });
});

describe("osNameOf", () => {
  it.each([
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', "Debian GNU/Linux 12 (bookworm)"],
    ["PRETTY_NAME='Rocky Linux 9.4'", "Rocky Linux 9.4"],
    ["PRETTY_NAME=Arch", "Arch"],
    ['PRETTY_NAME="A \\"B\\""', 'A "B"'],
    ["PRETTY_NAME=old\nPRETTY_NAME=new", "new"],
    ["NAME=x", null],
    ["PRETTY_NAME=", null],
  ])("reads %j", (text, name) => {
    expect(osNameOf(text)).toBe(name);
  });
});

describe("hostFiles", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "caliber-host-"));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it("reads below its root, and gives null for what is absent or no file", () => {
    const path = join(root, "etc/machine-id");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "x".repeat(100_000));
    const files = hostFiles(root);
    expect(files.read("/etc/machine-id")).toHaveLength(64 * 1024);
    expect(files.read("/etc")).toBe(null);
    expect(files.read("/etc/machine-id/below")).toBe(null);
    expect(files.read("/etc/none")).toBe(null);
    expect([files.exists("/etc"), files.exists("/none")]).toEqual([true, false]);
    expect([files.list("/"), files.list("/none"), files.list("/etc/machine-id")]).toEqual([["etc"], [], []]);
  });

  it("gives null for what only root may read", () => {
    writeFileSync(join(root, "secret"), "x");
    chmodSync(join(root, "secret"), 0o000);
    chmodSync(root, 0o755);
    // Root reads everything, so it is somebody else while it looks.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid!(65_534);
    try {
      expect(hostFiles(root).read("/secret")).toBe(null);
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });
});
