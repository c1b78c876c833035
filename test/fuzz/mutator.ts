/** Values that lengths, counts and tags like to break on. */
const awkward = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xfe, 0xff];

/** Makes malformed inputs out of good ones, the same ones for the same seed. */
export type Mutator = {
  /** Below `bound`. */
  pick(bound: number): number;
  /** A copy of one input with 1 to 4 changes; `others` lend it pieces. */
  mutate(input: Buffer, others: readonly Buffer[]): Buffer;
};

export function mutator(seed: number): Mutator {
  // xorshift32: its state is never 0.
  let state = seed >>> 0 || 1;
  const pick = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  const slice = (bytes: Buffer): Buffer => {
    const from = pick(bytes.length + 1);
    return bytes.subarray(from, from + pick(Math.min(256, bytes.length - from) + 1));
  };
  const changes: ((bytes: Buffer, others: readonly Buffer[]) => Buffer)[] = [
    (bytes) => {
      if (bytes.length > 0) bytes[pick(bytes.length)]! ^= 1 << pick(8);
      return bytes;
    },
    (bytes) => {
      if (bytes.length > 0) bytes[pick(bytes.length)] = awkward[pick(awkward.length)]!;
      return bytes;
    },
    (bytes) => {
      const from = pick(bytes.length + 1);
      return bytes.fill(awkward[pick(awkward.length)]!, from, Math.min(bytes.length, from + 1 + pick(4)));
    },
    (bytes) => bytes.subarray(0, pick(bytes.length + 1)),
    (bytes) => {
      const from = pick(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + pick(16))]);
    },
    (bytes) => {
      const at = pick(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), slice(bytes), bytes.subarray(at)]);
    },
    (bytes, others) => {
      const at = pick(bytes.length + 1);
      const piece = slice(others[pick(others.length)]!);
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
    },
    (bytes) => Buffer.concat([bytes, Buffer.alloc(pick(64), awkward[pick(awkward.length)]!)]),
  ];
  return {
    pick,
    mutate(input, others) {
      let bytes = Buffer.from(input);
      for (let i = 1 + pick(4); i > 0; i -= 1)
        bytes = Buffer.from(changes[pick(changes.length)]!(bytes, others));
      return bytes;
    },
  };
}
