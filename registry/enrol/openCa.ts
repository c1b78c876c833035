import { type Ca, createCa } from "./createCa.js";
import { loadCa } from "./loadCa.js";
import { saveCa } from "./saveCa.js";

/**
 * The CA of a data directory; made at the first start.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS, CA_MALFORMED
 */
export function openCa(directory: string, options: { commonName: string; now_ms: number }): Ca {
  const existing = loadCa(directory);
  if (existing !== null) return existing;
  const ca = createCa(options);
  saveCa(directory, ca);
  return ca;
}
