/** Something that runs out unless an operator acts. Hosts' certificates are not among it: agents renew them. */
export type Expiring = {
  what: "ca" | "server-certificate" | "keeper-certificate" | "enrolment-token" | "registry-key-overlap";
  name: string;
  /** When it was made; null where that is not known. */
  made_ms: number | null;
  expires_ms: number;
};
