import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdmissionQueue, RetryLater } from "./admission-queue.js";
import { sendText } from "./end-with-text.js";

/** Bytes from which a transfer needs a slot: below are kernels, scripts and boot programs. */
const largeFrom = 16 * 1024 * 1024;

/** Milliseconds without a byte taken after which a client is given up. */
export const defaultStallTimeoutMs = 60_000;

/**
 * Writes an answer: a large one when it is its turn, or tells the client to come again.
 * @param size bytes of the body; undefined where that is not known, as it may be large then
 * @param write not called where the client is told so, or went away
 */
export async function withSlot(
  admission: AdmissionQueue,
  { socket, url }: IncomingMessage,
  response: ServerResponse,
  size: number | undefined,
  write: () => Promise<void>,
): Promise<void> {
  if (size !== undefined && size < largeFrom) return write();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const before = socket.bytesWritten;
  const turn = await admission.ask(socket.remoteAddress ?? "", url ?? "", gone.signal, {
    size,
    sent: () => socket.bytesWritten - before,
  });
  if (turn?.kind === "later") refuse(response, turn);
  if (turn?.kind !== "slot") return;
  try {
    await write();
    await closing(response);
  } finally {
    turn.release();
  }
}

function refuse(response: ServerResponse, { seconds }: RetryLater): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.setHeader("Retry-After", seconds);
  sendText(response, 503, "text/plain", "Many machines are fetching large files just now.\n");
}

function closing(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    else response.once("close", () => resolve());
  });
}
