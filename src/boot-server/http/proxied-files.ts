import { basename } from "node:path";
import type { Agent, Dispatcher } from "undici";
import type { FileRole } from "../files/served-file.js";
import type { MachineTokens } from "../machines/machine-token.js";
import type { BootHttpRequest, Resource } from "./resource.js";
import { paths } from "./urls.js";

/** Milliseconds. `bodyTimeout` is the time between two chunks. */
const timeouts = { connect: { timeout: 5_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 };
const maxRedirects = 5;

/** The purpose of a file, which is part of the signature. */
const uses = ["kernel", "initrd", "file"] as const;
type ProxiedUse = (typeof uses)[number];

/** The header fields of the other server's answer that machines need. */
const forwardedHeaders = [
  "content-type",
  "content-length",
  "content-range",
  "accept-ranges",
  "etag",
  "last-modified",
];

type ProxiedRequest = Pick<BootHttpRequest, "path" | "method" | "range">;

/**
 * Forwards files of other servers to machines that cannot reach these servers or do not support TLS.
 * It only fetches URLs that this server signed, so it is not an open proxy.
 */
export class ProxiedFiles {
  readonly #tokens: MachineTokens;
  #agent: Agent | undefined;

  constructor(tokens: MachineTokens) {
    this.#tokens = tokens;
  }

  /** The path that represents a URL: `/proxied/URL.SIGNATURE`, encoded. */
  pathOf(url: string, use: ProxiedUse): string {
    return `${paths.proxiedFiles}${this.#tokens.sign(use, url)}`;
  }

  /** @returns undefined for a path that this server did not sign */
  async find(request: ProxiedRequest): Promise<Resource | undefined> {
    const token = request.path.slice(paths.proxiedFiles.length);
    for (const use of uses) {
      const url = this.#tokens.verify(use, token);
      if (url !== undefined) return this.#fetch(url, use, request);
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #fetch(url: string, use: ProxiedUse, { method, range }: ProxiedRequest): Promise<Resource> {
    const role = use === "file" ? undefined : use;
    const name = basename(new URL(url).pathname) || use;
    try {
      const { Agent, interceptors, request } = (await import("undici")).default;
      this.#agent ??= new Agent(timeouts);
      const redirect = interceptors.redirect({ maxRedirections: maxRedirects });
      const answer = await request(url, {
        method: method === "HEAD" ? "HEAD" : "GET",
        headers: range === undefined ? {} : { range },
        dispatcher: this.#agent.compose(redirect),
      });
      if ([200, 206, 416].includes(answer.statusCode)) return streamOf(answer, name, role);
      await answer.body.dump({ limit: 64 * 1024 });
      return failure(`${name} (its server answers with status ${answer.statusCode})`, role);
    } catch {
      return failure(`${name} (its server cannot be reached)`, role);
    }
  }
}

function streamOf(answer: Dispatcher.ResponseData, name: string, role?: FileRole): Resource {
  const { statusCode: status, headers: all, body } = answer;
  const forwarded = forwardedHeaders.flatMap((header) => {
    const value = all[header];
    return typeof value === "string" ? [[header, value] as const] : [];
  });
  const headers = Object.fromEntries(forwarded);
  const [, whole] = /\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  const size = Number(whole ?? headers["content-length"] ?? 0);
  return { kind: "stream", name, role, size, status, headers, body };
}

function failure(name: string, role?: FileRole): Resource {
  const text = "The server of this file did not provide it.\n";
  return { kind: "text", name, role, type: "text/plain", text, status: 502 };
}
