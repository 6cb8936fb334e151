import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** A minimal web server: the output of `extract` has to work with any of them. */
export interface WebServer {
  readonly port: number;
  /** One line per answer, such as `GET /cloud-config.yaml 200`, in the order in which they ended. */
  readonly answers: readonly string[];
  close(): Promise<void>;
}

/** Serves a directory's files, and additional documents by name. */
export async function startWebServer(
  directory: string,
  documents: ReadonlyMap<string, string>,
): Promise<WebServer> {
  const answers: string[] = [];
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(request.url ?? "/").slice(1);
    try {
      await answer(response, directory, documents, name);
    } catch {
      response.destroy();
    }
    const status = response.writableFinished ? response.statusCode : "broken off";
    answers.push(`${request.method} /${name} ${status}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    answers,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(
  response: ServerResponse,
  directory: string,
  documents: ReadonlyMap<string, string>,
  name: string,
): Promise<void> {
  const document = documents.get(name);
  if (document !== undefined) {
    response.setHeader("Content-Length", Buffer.byteLength(document));
    await pipeline([document], response);
  } else if ((await readdir(directory)).includes(name)) {
    const file = join(directory, name);
    response.setHeader("Content-Length", (await stat(file)).size);
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), response);
  } else {
    response.statusCode = 404;
    await pipeline([], response);
  }
}
