/** Everything that caliberd signs has a type of its own, so that no signature can serve for another purpose. */
export const payloadTypes = {
  report: "application/vnd.caliber.report.v1+json",
  down: "application/vnd.caliber.down.v1+json",
  enrolHost: "application/vnd.caliber.enrol-host.v1+json",
  enrolDevice: "application/vnd.caliber.enrol-device.v1+json",
  renew: "application/vnd.caliber.renew.v1+json",
  event: "application/cloudevents+json",
} as const;

export type PayloadType = (typeof payloadTypes)[keyof typeof payloadTypes];
