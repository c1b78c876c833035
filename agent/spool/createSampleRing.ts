import type { Db } from "./openSpoolDatabase.js";

export type SampleRing = {
  add(device: string, seq: number, leaves: Buffer): void;
  read(device: string, seq: number): Buffer | null;
};

/** The raw samples of the latest windows, as many as `max_bytes` holds; the oldest make room. */
export function createSampleRing(db: Db, max_bytes: number): SampleRing {
  const insert = db.prepare("INSERT INTO sample (device, seq, leaves) VALUES (?, ?, ?)");
  const oldest = db.prepare("DELETE FROM sample WHERE id = (SELECT min(id) FROM sample)");
  const bytes = db.prepare("SELECT sample_bytes FROM usage").pluck();
  // A seq is signed once, but a chain that went on from the registry's head may pass the same place again.
  const select = db
    .prepare("SELECT leaves FROM sample WHERE device = ? AND seq = ? ORDER BY id DESC LIMIT 1")
    .pluck();
  return {
    add(device, seq, leaves) {
      insert.run(device, seq, leaves);
      while ((bytes.get() as number) > max_bytes) oldest.run();
    },
    read: (device, seq) => (select.get(device, seq) as Buffer | undefined) ?? null,
  };
}
