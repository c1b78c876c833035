import Database from "better-sqlite3";
import { schemaSql } from "./schema.js";

export type Db = Database.Database;

/**
 * Opens the registry's database. `synchronous=FULL` because an acknowledgement means durable (better-sqlite3's WAL
 * default is NORMAL, which may lose the last commits with the power).
 */
export function openDatabase(path: string): Db {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("busy_timeout = 5000");
  db.pragma("foreign_keys = ON");
  db.exec(schemaSql);
  return db;
}
