/** A DSSE envelope taken apart. `payload` is exactly what was signed, byte for byte. */
export type Envelope = {
  payloadType: string;
  payload: Buffer;
  /** 64-byte r‖s; of several signatures the first, as each of our keys signs alone. */
  signature: Buffer;
};
