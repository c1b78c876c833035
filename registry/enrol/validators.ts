import { Ajv } from "ajv";
import {
  type EnrolDevice,
  type EnrolHost,
  type EnrolRequest,
  enrolDeviceSchema,
  enrolHostSchema,
  enrolRequestSchema,
  type Renew,
  type RenewRequest,
  renewRequestSchema,
  renewSchema,
  type TpmChallengeRequest,
  tpmChallengeRequestSchema,
} from "../../protocol/enrol/enrolMessages.js";

const ajv = new Ajv({ strict: true });

/** Compiled schemas of everything that an enrolling or renewing host sends. */
export const validators = {
  enrolRequest: ajv.compile<EnrolRequest>(enrolRequestSchema),
  enrolHost: ajv.compile<EnrolHost>(enrolHostSchema),
  enrolDevice: ajv.compile<EnrolDevice>(enrolDeviceSchema),
  tpmChallengeRequest: ajv.compile<TpmChallengeRequest>(tpmChallengeRequestSchema),
  renewRequest: ajv.compile<RenewRequest>(renewRequestSchema),
  renew: ajv.compile<Renew>(renewSchema),
};
