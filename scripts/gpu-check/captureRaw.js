import { spawnSync } from "node:child_process";

/** Fields that nvidia-smi has by this name on every driver; one that it lacks would lose the whole row. */
const csvFields = [
  "timestamp",
  "index",
  "uuid",
  "pci.bus_id",
  "name",
  "serial",
  "driver_version",
  "vbios_version",
  "utilization.gpu",
  "utilization.memory",
  "memory.used",
  "memory.total",
  "power.draw",
  "temperature.gpu",
  "clocks.sm",
  "clocks.max.sm",
  "pcie.link.gen.current",
  "pcie.link.width.current",
];

/** What the machine's own tools print now, as text to keep: a tool that is not there leaves no file. */
export function captureRaw({ nvidiaSmi, dcgm }) {
  const url = dcgm ?? "http://127.0.0.1:9400/metrics";
  const found = [
    ["nvidia-smi.xml", nvidiaSmi, ["-q", "-x"]],
    ["nvidia-smi.csv", nvidiaSmi, [`--query-gpu=${csvFields.join(",")}`, "--format=csv"]],
    ["dcgm.prom", process.execPath, ["-e", fetchText, url]],
    ["kernel.log", "sh", ["-c", "dmesg 2>/dev/null | grep -F 'NVRM: '"]],
  ].map(([name, command, args]) => {
    const { status, stdout } = spawnSync(command, args, {
      encoding: "utf8",
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { name, text: status === 0 ? stdout : "" };
  });
  return found.filter(({ text }) => text.trim() !== "");
}

const fetchText = `fetch(process.argv[1]).then(async (answer) => {
  if (!answer.ok) process.exit(1);
  process.stdout.write(await answer.text());
}, () => process.exit(1));`;
