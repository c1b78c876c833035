import type { Spool } from "../spool/spool.js";

const signedFor = (device: string): string => `title:${device}`;

/** Keeps, in the commit of what was signed, where this key's title is (no second contract can be first) and that it signed for one. */
export function rememberTitle(
  spool: Pick<Spool, "setMeta">,
  device: string,
  { chain_id, contract }: { chain_id: number; contract: string },
): void {
  spool.setMeta(`contract:${device}`, `${chain_id}:${contract}`);
  spool.setMeta(signedFor(device), "1");
}

/** Whether this key has signed that a title may name it: nothing else can have made one do so. */
export function hasSignedForTitle(spool: Pick<Spool, "meta">, device: string): boolean {
  return spool.meta(signedFor(device)) !== null;
}
