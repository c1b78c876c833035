/**
 * Node's flags for a registry process. Reports live for one commit: in a young generation of Node's default size most of
 * them are copied into the old one first, which costs a tenth of the event loop under load.
 */
export const registryNodeFlags: string[] = ["--max-semi-space-size=64"];
