import type { Mutator } from "./mutator.js";

/** Where the elements of a DER value start, constructed ones before what is in them. */
function elementsOf(der: Buffer): { at: number; lengthAt: number; bodyAt: number; end: number }[] {
  const found: ReturnType<typeof elementsOf> = [];
  const walk = (from: number, to: number): void => {
    for (let at = from; at < to; ) {
      const first = der[at + 1]!;
      const count = first < 0x80 ? 0 : first & 0x7f;
      const bodyAt = at + 2 + count;
      const length = count === 0 ? first : der.readUIntBE(at + 2, count);
      const end = bodyAt + length;
      found.push({ at, lengthAt: at + 1, bodyAt, end });
      if ((der[at]! & 0x20) !== 0) walk(bodyAt, end);
      at = end;
    }
  };
  walk(0, der.length);
  return found;
}

/** One change to a good DER value that knows where its lengths and tags are. */
export function changeDer(der: Buffer, { pick }: Mutator): Buffer {
  const elements = elementsOf(der);
  const { at, lengthAt, bodyAt, end } = elements[pick(elements.length)]!;
  const head = der.subarray(0, lengthAt);
  const [body, tail] = [der.subarray(bodyAt, end), der.subarray(end)];
  const withLength = (...length: number[]) => Buffer.concat([head, Buffer.from(length), body, tail]);
  const size = end - bodyAt;
  const changes: (() => Buffer)[] = [
    // A length that lies, by a little, by a sign bit, or by far more than there is.
    () => withLength(Math.max(0, size + pick(9) - 4) & 0xff),
    () => withLength(0x84, 0xff, 0xff, 0xff, pick(256)),
    () => withLength(0x88, 0, 0, 0, 0, 0, 0, size >> 8, size & 0xff),
    () => withLength(0xff),
    // The right length in BER: more bytes than needed, or indefinite.
    () => withLength(0x82, size >> 8, size & 0xff),
    () => withLength(0x83, 0, size >> 8, size & 0xff),
    () => Buffer.concat([head, Buffer.of(0x80), body, Buffer.of(0, 0), tail]),
    // Another type, an element taken out, twice, or empty.
    () => Buffer.concat([der.subarray(0, at), Buffer.of(pick(256)), der.subarray(at + 1)]),
    () => Buffer.concat([der.subarray(0, at), tail]),
    () => Buffer.concat([der.subarray(0, end), der.subarray(at)]),
    () => Buffer.concat([head, Buffer.of(0), tail]),
  ];
  return changes[pick(changes.length)]!();
}
