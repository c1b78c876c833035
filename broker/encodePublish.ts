/** A PUBLISH of QoS 0, whole (MQTT 3.1.1, 3.3): fixed header, topic, payload. */
export function encodePublish(topic: string, payload: Buffer): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const length = 2 + topicBytes + payload.length;
  const packet = Buffer.allocUnsafe(5 + length);
  packet[0] = 0x30;
  let at = 1;
  for (let rest = length; at === 1 || rest > 0; rest >>>= 7) {
    packet[at++] = rest > 0x7f ? (rest & 0x7f) | 0x80 : rest;
  }
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(topic, at);
  at += payload.copy(packet, at);
  return packet.subarray(0, at);
}
