import { CaliberError } from "../protocol/errors.js";

export type FrameGuard = {
  /**
   * Takes the next bytes of a connection.
   *
   * @returns how many packets begin in them.
   * @throws CaliberError PACKET_TOO_LARGE, PACKET_MALFORMED
   */
  feed(chunk: Buffer): number;
};

/**
 * Follows the packets in an MQTT byte stream by their fixed headers alone (MQTT 3.1.1, 2.2). aedes bounds no packet:
 * it would gather 64 MiB before it looks. The stream is attacker-controlled, also before CONNECT.
 */
export function createFrameGuard(limit_bytes: number): FrameGuard {
  /** Bytes of the present packet that are still to come; headers apart. */
  let rest = 0;
  /** 0 before a packet; else how many bytes of "remaining length" were read, plus one. */
  let lengthBytes = 0;
  let length = 0;

  return {
    feed(chunk) {
      let packets = 0;
      let at = 0;
      while (at < chunk.length) {
        if (rest > 0) {
          const step = Math.min(rest, chunk.length - at);
          rest -= step;
          at += step;
          continue;
        }
        const byte = chunk[at++]!;
        if (lengthBytes === 0) {
          lengthBytes = 1;
          length = 0;
          packets++;
          continue;
        }
        if (lengthBytes > 4) throw new CaliberError("PACKET_MALFORMED", "a length has at most 4 bytes");
        length += (byte & 0x7f) * 128 ** (lengthBytes - 1);
        lengthBytes++;
        if (length > limit_bytes) {
          throw new CaliberError("PACKET_TOO_LARGE", `a packet has at most ${limit_bytes} bytes`);
        }
        if ((byte & 0x80) === 0) {
          rest = length;
          lengthBytes = 0;
        }
      }
      return packets;
    },
  };
}
