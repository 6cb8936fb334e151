/**
 * Waits for a promise until the signal aborts. The work behind the promise continues: this function
 * only stops waiting for it.
 * @throws the signal's reason once it aborts, otherwise what the promise rejects with
 */
export async function abortable<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    // The race also handles a later rejection of the promise that loses.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
