import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What an exporter with caliber-counters.csv says of one GPU; the other lines of a busy exporter are made up below. */
const gauges: Readonly<Record<string, number>> = {
  DCGM_FI_PROF_SM_ACTIVE: 0.71,
  DCGM_FI_PROF_GR_ENGINE_ACTIVE: 0.93,
  DCGM_FI_DEV_GPU_UTIL: 97,
  DCGM_FI_DEV_MEM_COPY_UTIL: 41,
  DCGM_FI_DEV_FB_USED: 70_000,
  DCGM_FI_DEV_POWER_USAGE: 651.234,
  DCGM_FI_DEV_GPU_TEMP: 61,
  DCGM_FI_DEV_SM_CLOCK: 1965,
  DCGM_FI_DEV_XID_ERRORS: 0,
  DCGM_FI_DEV_PCIE_REPLAY_COUNTER: 131,
};
/** Series that nobody asked for, as many as a full counters file gives. */
const others = 60;
const pods = 'namespace="",pod="",container=""';

/** A stand-in for dcgm-exporter with these GPUs: text of the size and form of the real one, and an energy counter that rises. */
export async function startExporter(uuids: readonly string[]): Promise<{ url: string; stop(): void }> {
  const begin_ms = Date.now();
  const server = createServer((_, response) => {
    const energy_mj = 9e12 + (Date.now() - begin_ms) * 651;
    const series = {
      ...gauges,
      DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: energy_mj,
      ...Object.fromEntries(Array.from({ length: others }, (_, n) => [`DCGM_FI_DEV_OTHER_${n}`, n * 17])),
    };
    let text = "";
    for (const [name, value] of Object.entries(series)) {
      text += `# HELP ${name} A reading.\n# TYPE ${name} gauge\n`;
      for (const [gpu, uuid] of uuids.entries()) {
        text += `${name}{gpu="${gpu}",UUID="${uuid}",device="nvidia${gpu}",modelName="NVIDIA H100 80GB HBM3",hostname="bench",${pods}} ${value}\n`;
      }
    }
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/metrics`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
