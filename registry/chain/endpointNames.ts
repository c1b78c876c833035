/** Names for RPC addresses that hold nothing of their paths, queries and users, where keys stand. */
export function endpointNames(urls: readonly string[]): string[] {
  const hosts = urls.map((url) => (URL.canParse(url) ? new URL(url).host : "node"));
  return hosts.map((host, i) =>
    hosts.indexOf(host) === hosts.lastIndexOf(host) ? host : `${host} #${i + 1}`,
  );
}
