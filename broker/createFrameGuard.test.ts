import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { createFrameGuard } from "./createFrameGuard.js";

const publish = (size: number): Buffer =>
  mqttPacket.generate({
    cmd: "publish",
    topic: "t",
    payload: Buffer.alloc(size),
    qos: 0,
    retain: false,
    dup: false,
  });

describe("createFrameGuard", () => {
  it("counts packets however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20_000), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 }),
        (sizes, cuts) => {
          const stream = Buffer.concat([mqttPacket.generate({ cmd: "pingreq" }), ...sizes.map(publish)]);
          const guard = createFrameGuard(64 * 1024);
          let packets = 0;
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            packets += guard.feed(stream.subarray(at, end));
            at = end;
          }
          expect(packets).toBe(sizes.length + 1);
        },
      ),
    );
  });

  it("takes a packet of exactly the limit and none above it, whichever packet it is", () => {
    // 3 bytes of topic are part of a packet's length.
    expect(createFrameGuard(1003).feed(publish(1000))).toBe(1);
    const guard = createFrameGuard(1002);
    guard.feed(publish(10));
    expect(() => guard.feed(publish(1000).subarray(0, 3))).toThrow(
      expect.objectContaining({ code: "PACKET_TOO_LARGE" }),
    );
  });

  it("refuses a length of five bytes", () => {
    const guard = createFrameGuard(2 ** 28);
    expect(() => guard.feed(Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01))).toThrow(
      expect.objectContaining({ code: "PACKET_MALFORMED" }),
    );
  });
});
