/** What may move between two readings, and by how much before it is worth a line. Everything else must be equal. */
const moving = {
  power_mw: 0.5,
  util_permille: Number.POSITIVE_INFINITY,
  sm_activity_permille: Number.POSITIVE_INFINITY,
  mem_util_permille: Number.POSITIVE_INFINITY,
  fb_used_mib: 0.5,
  temp_mc: 0.2,
  sm_clock_mhz: Number.POSITIVE_INFINITY,
  energy_mj: 0.1,
  throttle: Number.POSITIVE_INFINITY,
  processes: Number.POSITIVE_INFINITY,
  pcie_gen: Number.POSITIVE_INFINITY,
};

/** Members that say how the scan went, not what the GPU said. */
const ofTheScan = new Set([
  "samples",
  "samples_expected",
  "samples_root",
  "present_ms",
  "supplied",
  "xids",
  "implausible",
  "host",
]);

/**
 * Every field of every GPU that not all scans give alike. `verdict` is `differs` for a contradiction, `moved` for a value
 * that changes by itself, `absent` where a source gives nothing and another does.
 */
export function compareScans(scans) {
  const gpus = new Map();
  for (const { source, result } of scans) {
    for (const gpu of result.gpus) {
      if (gpu.uuid === null) continue;
      const told = gpus.get(gpu.uuid) ?? new Map();
      for (const [field, value] of fieldsOf(gpu)) {
        told.set(field, [...(told.get(field) ?? []), { source, value }]);
      }
      gpus.set(gpu.uuid, told);
    }
  }
  const absent = absentGpus(scans, [...gpus.keys()]);
  const fields = [...gpus].flatMap(([uuid, told]) =>
    [...told].flatMap(([field, said]) => {
      const verdict = judge(field, said);
      return verdict === null ? [] : [{ uuid, field, verdict, said }];
    }),
  );
  return [...absent, ...fields];
}

/** A GPU that one source shows and another does not. A log names only those that had a fault. */
function absentGpus(scans, uuids) {
  const listing = scans.filter(({ result }) => result.from !== "kernel-log");
  return uuids.flatMap((uuid) => {
    const said = listing.map(({ source, result }) => ({
      source,
      value: result.gpus.some((gpu) => gpu.uuid === uuid) ? "shown" : null,
    }));
    return said.every(({ value }) => value !== null)
      ? []
      : [{ uuid, field: "the GPU itself", verdict: "differs", said }];
  });
}

function fieldsOf({ inventory, telemetry, dcgm }) {
  const told = { ...inventory, ...telemetry, ...dcgm };
  return Object.entries(told)
    .filter(([field]) => !ofTheScan.has(field))
    .map(([field, value]) => [field, value?.mean === undefined ? value : value.mean]);
}

function judge(field, said) {
  const given = said.filter(({ value }) => value !== null);
  const words = new Set(given.map(({ value }) => JSON.stringify(value)));
  if (words.size > 1) {
    const bound = moving[field];
    if (bound === undefined) return "differs";
    const numbers = given.map(({ value }) => Number(value));
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    return Number.isFinite(bound) && high - low > bound * high ? "differs" : "moved";
  }
  return given.length > 0 && given.length < said.length ? "absent" : null;
}
