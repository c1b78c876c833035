import { join } from "node:path";

export const databasePath = (data_dir: string): string => join(data_dir, "registry.db");
