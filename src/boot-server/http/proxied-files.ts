import { basename } from "node:path";
import type { Agent, Dispatcher } from "undici";
import type { FileRole } from "../files/served-file.js";
import type { MachineTokens } from "../machines/machine-token.js";
import type { HttpRequest, Resource } from "./http-server.js";

const place = "/proxied/";
/** Milliseconds: to connect, until an answer begins, and between two of its chunks. */
const timeouts = { connect: { timeout: 5_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 };
const mostRedirects = 5;

/** What is signed says what a file is for, too. */
const uses = ["kernel", "initrd", "file"] as const;
type Use = (typeof uses)[number];

/** Of the other server's answer, what machines go by. */
const passedOn = [
  "content-type",
  "content-length",
  "content-range",
  "accept-ranges",
  "etag",
  "last-modified",
];

/**
 * Hands files of other servers on, for machines that do not reach these or do not speak TLS.
 * Only addresses that this server signed are fetched: it is no proxy for everybody.
 */
export class ProxiedFiles {
  readonly #tokens: MachineTokens;
  #agent: Agent | undefined;

  constructor(tokens: MachineTokens) {
    this.#tokens = tokens;
  }

  /** The path that stands for an address: `/proxied/WORD.SIGNATURE`. */
  pathOf(url: string, use: Use): string {
    return `${place}${this.#tokens.signText(use, url)}`;
  }

  /** @returns undefined for a path that is none of its, or that this server did not sign */
  async find(request: Pick<HttpRequest, "path" | "method" | "range">) {
    if (!request.path.startsWith(place)) return undefined;
    const word = request.path.slice(place.length);
    for (const use of uses) {
      const url = this.#tokens.readText(use, word);
      if (url !== undefined) return this.#fetch(url, use, request);
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #fetch(
    url: string,
    use: Use,
    { method, range }: Pick<HttpRequest, "method" | "range">,
  ): Promise<Resource> {
    const role = use === "file" ? undefined : use;
    const name = basename(new URL(url).pathname) || use;
    try {
      const { Agent, interceptors, request } = await import("undici");
      this.#agent ??= new Agent(timeouts);
      const redirect = interceptors.redirect({ maxRedirections: mostRedirects });
      const answer = await request(url, {
        method: method === "HEAD" ? "HEAD" : "GET",
        headers: range === undefined ? {} : { range },
        dispatcher: this.#agent.compose(redirect),
      });
      if ([200, 206, 416].includes(answer.statusCode)) return streamOf(answer, name, role);
      await answer.body.dump({ limit: 64 * 1024 });
      return failure(`${name}, of which its server says ${answer.statusCode},`, role);
    } catch {
      return failure(`${name}, whose server cannot be reached,`, role);
    }
  }
}

function streamOf(answer: Dispatcher.ResponseData, name: string, role?: FileRole): Resource {
  const { statusCode: status, headers: all, body } = answer;
  const known = passedOn.flatMap((header) => {
    const value = all[header];
    return typeof value === "string" ? [[header, value] as const] : [];
  });
  const headers = Object.fromEntries(known);
  const [, whole] = /\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  const size = Number(whole ?? headers["content-length"] ?? 0);
  return { kind: "stream", name, role, size, status, headers, body };
}

function failure(name: string, role?: FileRole): Resource {
  const text = "The server that has this file does not give it.\n";
  return { kind: "text", name, role, type: "text/plain", text, status: 502 };
}
