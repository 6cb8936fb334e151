const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a job that the first SIGINT, SIGTERM, or SIGHUP aborts. A second signal ends the program
 * immediately.
 */
export async function withSignals<Result>(
  job: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  for (const name of signals) process.on(name, onSignal);
  try {
    return await job(controller.signal);
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}
