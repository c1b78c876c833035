/** An exporter refreshes every 30 s by default, and every GPU draws power: its energy counter cannot stand still this long. */
const longest_ms = 150_000;
const maxGpus = 512;

/**
 * Tells when an exporter repeats old values of a GPU: its answers carry no time, but energy only ever rises. A GPU whose
 * energy DCGM does not tell counts as current.
 */
export function createStaleness(): (key: string, energy: string | undefined, mono_ms: number) => boolean {
  const last = new Map<string, { energy: string; mono_ms: number }>();
  return (key, energy, mono_ms) => {
    if (energy === undefined) return false;
    const before = last.get(key);
    if (before?.energy === energy) return mono_ms - before.mono_ms >= longest_ms;
    if (before !== undefined || last.size < maxGpus) last.set(key, { energy, mono_ms });
    return false;
  };
}
