/** Where a command writes. `out` is for what was asked for, `err` for everything else. */
export type Io = { out(text: string): void; err(text: string): void };

export const processIo: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};
