import { readPrivateFile } from "./readPrivateFile.js";
import { writePrivateFile } from "./writePrivateFile.js";

/**
 * The text of a private file, made on first use.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS when others may read it
 */
export function loadOrCreatePrivateFile(path: string, create: () => string): string {
  const existing = readPrivateFile(path);
  if (existing !== null) return existing;
  const text = create();
  writePrivateFile(path, text);
  return text;
}
