import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { AdmissionQueue } from "./admission-queue.js";
import type { StreamResource } from "./resource.js";
import { sendText } from "./send-text.js";
import { withSlot } from "./with-slot.js";

/** Passes on the answers of other servers, one slot each. */
export class StreamSender {
  readonly #admission: AdmissionQueue;
  readonly #stallTimeoutMs: number;

  /** @param stallTimeoutMs after which a client that accepts no bytes is disconnected */
  constructor(admission: AdmissionQueue, stallTimeoutMs: number) {
    this.#admission = admission;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  async send(
    request: IncomingMessage,
    response: ServerResponse,
    { status, headers, body }: StreamResource,
  ): Promise<void> {
    // A body that fails while the request waits is handled when its turn comes.
    body.on("error", () => {});
    const announced = headers["content-length"];
    const known = announced === undefined ? undefined : Number(announced);
    const length = request.method === "HEAD" ? 0 : known;
    try {
      await withSlot(this.#admission, request, response, length, async () => {
        if (body.destroyed) {
          return sendText(response, 502, "text/plain", "The server of this file disconnected.\n");
        }
        response.writeHead(status, headers);
        response.setTimeout(this.#stallTimeoutMs);
        await pipeline(body, response);
      });
    } finally {
      body.destroy();
    }
  }
}
