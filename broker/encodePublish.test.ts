import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { encodePublish } from "./encodePublish.js";

const reference = (topic: string, payload: Buffer): Buffer =>
  mqttPacket.generate({ cmd: "publish", topic, payload, qos: 0, retain: false, dup: false });

describe("encodePublish", () => {
  it.each([0, 1, 122, 123, 124, 16_378, 16_379, 16_380, 2_097_147])(
    "writes what mqtt-packet does: %i bytes",
    (size) => {
      const payload = Buffer.alloc(size, 7);
      expect(encodePublish("a/é", payload).equals(reference("a/é", payload))).toBe(true);
    },
  );

  it("for any topic and payload", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: "grapheme" }),
        fc.uint8Array({ maxLength: 600 }),
        (topic, bytes) => {
          const payload = Buffer.from(bytes);
          expect(encodePublish(topic, payload).equals(reference(topic, payload))).toBe(true);
        },
      ),
    );
  });
});
