import { busIdOf, uuidOf } from "../nvidiaSmi/values.js";
import type { GpuName } from "../supplement.js";
import { type DcgmField, dcgmFields, sharedFields } from "./dcgmFields.js";
import { isBlank } from "./isBlank.js";
import type { PrometheusSample } from "./parsePrometheusText.js";
import type { MigInstance } from "./smActivity.js";

/** Everything that one scrape says of one GPU, as text. */
export type DcgmGpu = {
  gpu: GpuName;
  model: string | null;
  hostname: string | null;
  fields: Map<DcgmField, string>;
  /** By GPU instance id. */
  instances: Map<string, MigInstance>;
  /** Every Xid that the last-Xid gauge shows: several where the exporter splits it by code, none at 0; null without it. */
  lastXids: Set<number> | null;
};

/** An exporter that makes up ever new GPUs or instances must not fill the memory. */
const maxGpus = 512;
const maxInstances = 64;

function xidOf(value: string): number | null {
  const xid = Number(value);
  return Number.isInteger(xid) && xid >= 0 && xid <= 0xffff ? xid : null;
}

/**
 * Sorts a scrape by GPU. Series of no GPU (switches, CPUs), blanks, and values older than `notBefore_ms` are left out;
 * where a series comes more than once (one for each pod on the GPU) the first counts.
 */
export function gpusOf(samples: readonly PrometheusSample[], notBefore_ms: number): DcgmGpu[] {
  const gpus = new Map<string, DcgmGpu>();
  for (const { name, labels, value, at_ms } of samples) {
    const field = dcgmFields.get(name);
    const uuid = uuidOf(labels.get("UUID") ?? labels.get("uuid"));
    const bus_id = busIdOf(labels.get("pci_bus_id"));
    const key = uuid ?? bus_id;
    if (field === undefined || key === null) continue;
    let gpu = gpus.get(key);
    if (gpu === undefined) {
      if (gpus.size >= maxGpus) continue;
      gpu = {
        gpu: { uuid, bus_id },
        model: labels.get("modelName") ?? null,
        hostname: labels.get("hostname") ?? labels.get("Hostname") ?? null,
        fields: new Map(),
        instances: new Map(),
        lastXids: null,
      };
      gpus.set(key, gpu);
    }
    const current = !isBlank(value) && (at_ms === null || at_ms >= notBefore_ms);
    const instance = labels.get("GPU_I_ID") ?? "";
    if (instance !== "")
      noteInstance(gpu, instance, labels.get("GPU_I_PROFILE") ?? null, field, current ? value : null);
    if (!current) continue;
    if (field === "last_xid") {
      const xid = xidOf(value);
      if (xid !== null) gpu.lastXids ??= new Set();
      // 0 is the gauge of a GPU that has had none.
      if (xid !== null && xid > 0) gpu.lastXids?.add(xid);
    } else if ((instance === "" || sharedFields.has(field)) && !gpu.fields.has(field)) {
      gpu.fields.set(field, value);
    }
  }
  return [...gpus.values()];
}

/** An instance that any series names exists, also when its activity is not told. */
function noteInstance(
  gpu: DcgmGpu,
  id: string,
  profile: string | null,
  field: DcgmField,
  value: string | null,
): void {
  const known = gpu.instances.get(id);
  if (known === undefined && gpu.instances.size >= maxInstances) return;
  const sm_active = known?.sm_active ?? (field === "sm_active" ? value : null);
  gpu.instances.set(id, { profile: known?.profile ?? profile, sm_active });
}
