const hostPattern = /^[a-z0-9-]{1,64}$/;
const devicePattern = /^[0-9a-f]{64}$/;

export const topicRoot = "caliber/v1";
/** What a keeper may read, and all that it may read. */
export const eventsFilter = `${topicRoot}/events/#`;

export const reportTopic = (host: string, device: string): string => `${topicRoot}/${host}/${device}/report`;
export const downTopic = (host: string): string => `${topicRoot}/${host}/down`;
export const presenceTopic = (host: string): string => `${topicRoot}/${host}/presence`;
export const eventTopic = (subjectKey: string): string => `${topicRoot}/events/${subjectKey}`;

/** A host name is also an MQTT client id and a topic level: no wildcard, separator or upper case can be in one. */
export const isHostId = (value: string): boolean => hostPattern.test(value) && value !== "events";
export const isDeviceId = (value: string): boolean => devicePattern.test(value);

export type ParsedTopic =
  | { kind: "report"; host: string; device: string }
  | { kind: "presence"; host: string }
  | { kind: "down"; host: string };

/** What a topic name means, or null when it is none of ours. The name is attacker-controlled. */
export function parseTopic(topic: string): ParsedTopic | null {
  if (!topic.startsWith(`${topicRoot}/`) || topic.length > 256) return null;
  const [host, second, third, ...rest] = topic.slice(topicRoot.length + 1).split("/");
  if (host === undefined || second === undefined || rest.length > 0 || !isHostId(host)) return null;
  if (third === undefined) return second === "presence" || second === "down" ? { kind: second, host } : null;
  return third === "report" && isDeviceId(second) ? { kind: "report", host, device: second } : null;
}
