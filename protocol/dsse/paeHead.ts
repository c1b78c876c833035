/** What stands before the body in DSSE's pre-authentication encoding; `bodyLength` in bytes. */
export function paeHead(payloadType: string, bodyLength: number): string {
  return `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${bodyLength} `;
}
