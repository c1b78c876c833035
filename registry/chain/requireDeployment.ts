import { CaliberError } from "../../protocol/errors.js";
import { type Deployment, loadDeployment } from "./deployment.js";

/**
 * The deployment on file.
 *
 * @throws CaliberError DEPLOYMENT_MISSING, DEPLOYMENT_MALFORMED
 */
export function requireDeployment(path: string): Deployment {
  const deployment = loadDeployment(path);
  if (deployment !== null) return deployment;
  throw new CaliberError("DEPLOYMENT_MISSING", `no contracts are deployed: ${path} is not there`, {
    disposition: "user",
  });
}
