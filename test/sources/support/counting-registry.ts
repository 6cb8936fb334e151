import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { serveImage } from "../../oci-client/support/local-server.js";
import type { Scope } from "../../support/suite-scope.js";

/** One request for a blob. */
interface Served {
  readonly digest: string;
  /** The first byte that was requested. */
  readonly from: number;
  /** Bytes that were handed to the connection. */
  sent: number;
}

export interface CountingRegistry {
  readonly host: string;
  readonly served: Served[];
  /** Sends the bytes that `holdAt` holds back. */
  release(): void;
}

export interface CountingRegistryOptions {
  /** Sends no byte of a blob from this one on, until `release` is called. */
  readonly holdAt?: number;
  /** Bytes of each write, and milliseconds between two writes. */
  readonly piece?: number;
  readonly pause?: number;
  /** A blob whose last byte is wrong when it is requested for the first time. */
  readonly wrong?: string;
}

/** A registry of one image that counts the bytes it sends, and stops or slows down as the test wants. */
export async function countingRegistry(
  t: Scope,
  content: ImageContent,
  root: Pointer,
  { holdAt = Infinity, piece = Infinity, pause = 0, wrong }: CountingRegistryOptions,
): Promise<CountingRegistry> {
  const served: Served[] = [];
  const held: (() => void)[] = [];
  let isReleased = false;
  const { host } = await serveImage(t, content, root, (request, response) => {
    const digest = /\/blobs\/(.+)$/.exec(request.url!)?.[1];
    const right = digest === undefined ? undefined : content.blobs.get(digest);
    if (digest === undefined || right === undefined) return false;
    const isWrong = digest === wrong && served.every((each) => each.digest !== wrong);
    const bytes = isWrong ? Buffer.from(right).fill(right.at(-1)! ^ 1, right.length - 1) : right;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const from = Number(range?.[1] ?? 0);
    const entry: Served = { digest, from, sent: 0 };
    served.push(entry);
    response.writeHead(range ? 206 : 200, {
      "content-length": bytes.length - from,
      ...(range && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    const send = () => {
      if (response.destroyed) return;
      const position = from + entry.sent;
      if (!isReleased && position >= holdAt) {
        response.flushHeaders();
        held.push(send);
        return;
      }
      const next = bytes.subarray(
        position,
        Math.min(position + piece, isReleased ? Infinity : holdAt),
      );
      entry.sent += next.length;
      if (from + entry.sent === bytes.length) response.end(next);
      else response.write(next, () => (pause > 0 ? setTimeout(send, pause) : send()));
    };
    send();
    return true;
  });
  const release = () => {
    isReleased = true;
    for (const send of held.splice(0)) send();
  };
  return { host, served, release };
}
