import { hash } from "node:crypto";

/** RFC 6962 §2.1: the root of the empty tree is SHA-256 of nothing. */
export const emptyRoot: Buffer = hash("sha256", "", "buffer");
