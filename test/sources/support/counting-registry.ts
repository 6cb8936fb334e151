import type { TestContext } from "node:test";
import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { serveImage } from "../../oci-client/support/local-server.js";

/** One request for a blob. */
export interface Served {
  readonly digest: string;
  /** The first byte that was asked for. */
  readonly from: number;
  /** Bytes that were handed to the connection. */
  sent: number;
}

export interface CountingRegistry {
  readonly host: string;
  readonly served: Served[];
}

/**
 * A registry of one image that sends its large blobs in pieces, so that they take a while, and notes
 * what it sent of each.
 * @param pause milliseconds between two pieces
 */
export async function countingRegistry(
  t: Pick<TestContext, "after">,
  content: ImageContent,
  root: Pointer,
  { piece, pause }: { piece: number; pause: number },
): Promise<CountingRegistry> {
  const served: Served[] = [];
  const { host } = await serveImage(t as TestContext, content, root, (request, response) => {
    const digest = /\/blobs\/(.+)$/.exec(request.url!)?.[1];
    const bytes = digest === undefined ? undefined : content.blobs.get(digest);
    if (bytes === undefined) return false;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const from = Number(range?.[1] ?? 0);
    const entry: Served = { digest: digest!, from, sent: 0 };
    served.push(entry);
    response.writeHead(range ? 206 : 200, {
      "content-length": bytes.length - from,
      ...(range && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    const send = () => {
      if (response.destroyed) return;
      const next = bytes.subarray(from + entry.sent, from + entry.sent + piece);
      entry.sent += next.length;
      if (from + entry.sent === bytes.length) response.end(next);
      else response.write(next, () => setTimeout(send, pause));
    };
    send();
    return true;
  });
  return { host, served };
}
