import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdmissionQueue, RetryLater } from "./admission-queue.js";
import { sendText } from "./send-text.js";

/** Larger transfers need a slot. Kernels, scripts and boot programs are smaller. */
const largeFileBytes = 16 * 1024 * 1024;

/**
 * Writes an answer. A large one waits for a slot, or tells the client to come again.
 * @param size bytes of the body; undefined if unknown, in which case it may be large
 * @param write not called if the client has to come again, or is gone
 */
export async function withSlot(
  admission: AdmissionQueue,
  { socket, url }: IncomingMessage,
  response: ServerResponse,
  size: number | undefined,
  write: () => Promise<void>,
): Promise<void> {
  if (size !== undefined && size < largeFileBytes) return write();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const sentBefore = socket.bytesWritten;
  const answer = await admission.ask(socket.remoteAddress ?? "", url ?? "", gone.signal, {
    size,
    sent: () => socket.bytesWritten - sentBefore,
  });
  if (answer?.kind === "later") sendRetryLater(response, answer);
  if (answer?.kind !== "slot") return;
  try {
    await write();
    await closed(response);
  } finally {
    answer.release();
  }
}

function sendRetryLater(response: ServerResponse, { seconds }: RetryLater): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.setHeader("Retry-After", seconds);
  sendText(response, 503, "text/plain", "Too many machines are fetching large files right now.\n");
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    else response.once("close", () => resolve());
  });
}
