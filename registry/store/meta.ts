import type { Db } from "./openDatabase.js";

/** Small facts about this registry: its log's origin, its count of starts. */
export type Meta = { get(key: string): string | null; set(key: string, value: string): void };

export function createMeta(db: Db): Meta {
  const read = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const write = db.prepare(
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  return {
    get: (key) => read.get(key)?.value ?? null,
    set: (key, value) => void write.run(key, value),
  };
}
