/** The environment that makes `test/simulator/nvidia-smi` print for one host of a scenario (see fixtures/scenarios/README.md). */
export function simulatorEnv(of: {
  /** Absolute path of the scenario file. */
  scenario: string;
  host: string;
  /** Wall time of the scenario's second 0. */
  epoch_ms: number;
  /** Makes the GPUs of this installation others than those of any other. */
  seed: string;
}): Record<string, string> {
  return {
    CALIBER_SIM_SCENARIO: of.scenario,
    CALIBER_SIM_HOST: of.host,
    CALIBER_SIM_EPOCH_MS: String(of.epoch_ms),
    CALIBER_SIM_SEED: of.seed,
  };
}
