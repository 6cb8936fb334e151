import type { IncomingMessage, ServerResponse } from "node:http";
import type { FileRole } from "../files/served-file.js";
import { type Resource, sizeOfResource } from "./resource.js";

/** An answer that is being sent. */
export interface HttpTransfer {
  /** IP address. */
  readonly client: string;
  /** The machine that was given the URL; undefined if the URL does not tell. */
  readonly mac: string | undefined;
  readonly name: string;
  readonly role: FileRole | undefined;
  /** Bytes of the whole resource, even if only a range was requested. */
  readonly size: number;
  readonly isHead: boolean;
  /** Bytes that were handed to the connection so far, including the header. */
  readonly sent: number;
}

export interface HttpOutcome {
  readonly status: number;
  /** Bytes of the body, according to Content-Length. */
  readonly length: number;
  readonly seconds: number;
  /** False if the client disconnected early. */
  readonly isComplete: boolean;
  /** False for a range that ends before the last byte. */
  readonly reachesEnd: boolean;
}

/** Observes an answer. Must be called before its first byte is written. */
export function watchTransfer(
  { socket, method }: IncomingMessage,
  response: ServerResponse,
  client: string,
  resource: Resource,
  onEnd: (transfer: HttpTransfer, outcome: HttpOutcome) => void,
): HttpTransfer {
  const start = performance.now();
  const sentBefore = socket.bytesWritten;
  const { name, role } = resource.kind === "file" ? resource.file : resource;
  const transfer: HttpTransfer = {
    client,
    mac: resource.kind === "stream" ? undefined : resource.mac,
    name,
    role,
    size: sizeOfResource(resource),
    isHead: method === "HEAD",
    get sent() {
      return Math.max(0, socket.bytesWritten - sentBefore);
    },
  };
  response.on("close", () => {
    onEnd(transfer, {
      status: response.statusCode,
      length: Number(response.getHeader("Content-Length") ?? 0),
      seconds: (performance.now() - start) / 1000,
      isComplete: response.writableFinished,
      reachesEnd: response.statusCode !== 206 || reachesEnd(response),
    });
  });
  return transfer;
}

/** According to `Content-Range: bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4). */
function reachesEnd(response: ServerResponse): boolean {
  const range = /-(\d+)\/(\d+)$/.exec(String(response.getHeader("Content-Range")));
  return range !== null && Number(range[1]) + 1 === Number(range[2]);
}
