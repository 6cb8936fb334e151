import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { homeDirectory } from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";

/** How long the daemon may send nothing. */
const answerTimeoutMs = 30_000;
/** An export takes long to begin. */
const exportTimeoutMs = 600_000;
/** For answers other than archives. */
const maxAnswerBytes = 4 * 1024 * 1024;

/** A daemon that speaks the Docker Engine API (v1.24 and later) on a Unix socket. */
export class DockerEngine {
  readonly #socket: string;
  readonly #signal: AbortSignal;

  private constructor(socket: string, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /**
   * Connects to the daemon that DOCKER_HOST names, or else to the first one that answers: Docker,
   * rootless Docker, rootless podman, podman.
   * @throws NetbootError DAEMON_UNREACHABLE
   */
  static async connect(signal: AbortSignal): Promise<DockerEngine> {
    const failures: string[] = [];
    for (const socket of socketsToTry()) {
      const engine = new DockerEngine(socket, signal);
      try {
        (await engine.#get("/_ping", answerTimeoutMs)).resume();
        return engine;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${socket} (${systemCode(error) ?? (error as Error).message})`);
      }
    }
    throw new NetbootError(
      "DAEMON_UNREACHABLE",
      `No Docker or podman daemon answered: ${failures.join(", ")}.`,
      "Start one (systemctl --user start podman.socket), name its socket in DOCKER_HOST, or use: docker save IMAGE | kairos-netboot extract -",
    );
  }

  /**
   * Exports an image as `docker save` does.
   * @param name a name with a tag or a digest, or an ID
   * @throws NetbootError IMAGE_NOT_FOUND, DAEMON_ERROR
   */
  async save(name: string): Promise<AsyncIterable<Buffer>> {
    const id = await this.#imageId(name);
    const response = await this.#ask(`/images/${id}/get`, exportTimeoutMs);
    if (response.statusCode !== 200) throw await this.#refusal(name, response);
    return this.#body(name, response);
  }

  /** Asks for the image's ID, because the export path does not take every name that this one takes. */
  async #imageId(name: string): Promise<string> {
    const response = await this.#ask(`/images/${name}/json`, answerTimeoutMs);
    if (response.statusCode !== 200) throw await this.#refusal(name, response);
    const id = member(await textOf(response), "Id");
    if (id !== undefined && /^(?:sha256:)?[0-9a-f]{64}$/.test(id)) return id;
    throw this.#failure(`sent no ID for the image ${name}`);
  }

  async *#body(name: string, response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      yield* response as AsyncIterable<Buffer>;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw this.#failure(`closed the connection while it sent the image ${name}`, error);
    }
    if (!response.complete)
      throw this.#failure(`closed the connection while it sent the image ${name}`);
  }

  async #refusal(name: string, response: IncomingMessage): Promise<NetbootError> {
    const words = member(await textOf(response).catch(() => ""), "message");
    if (response.statusCode === 404) {
      return new NetbootError(
        "IMAGE_NOT_FOUND",
        `The daemon at ${this.#socket} has no image ${name}${words ? ` (${words})` : ""}.`,
        "List its images with: docker images, or podman images",
      );
    }
    const reason = words ?? `status ${response.statusCode}`;
    return this.#failure(`refused to export the image ${name} (${reason})`);
  }

  async #ask(path: string, timeoutMs: number): Promise<IncomingMessage> {
    try {
      return await this.#get(path, timeoutMs);
    } catch (error) {
      this.#signal.throwIfAborted();
      throw this.#failure(`did not answer (${systemCode(error) ?? (error as Error).message})`);
    }
  }

  #get(path: string, timeoutMs: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#socket, path, headers: { Host: "docker" } };
      const sent = request({ ...options, agent: false, signal: this.#signal, timeout: timeoutMs });
      sent
        .on("response", resolve)
        .on("error", reject)
        .on("timeout", () => sent.destroy(new Error(`silent for ${timeoutMs / 1000} s`)))
        .end();
    });
  }

  #failure(problem: string, cause?: unknown): NetbootError {
    return new NetbootError(
      "DAEMON_ERROR",
      `The daemon at ${this.#socket} ${problem}.`,
      "Check the daemon's log, or use: docker save IMAGE | kairos-netboot extract -",
      { cause },
    );
  }
}

/** @throws NetbootError DAEMON_UNREACHABLE if DOCKER_HOST is not a Unix socket */
function socketsToTry(): string[] {
  const host = process.env.DOCKER_HOST;
  if (host) {
    const path = /^unix:\/\/(\/.*)$/.exec(host)?.[1];
    if (path !== undefined) return [path];
    throw new NetbootError(
      "DAEMON_UNREACHABLE",
      `DOCKER_HOST is ${withoutUser(host)}, but only Unix sockets (unix:///PATH) are supported.`,
      "Unset DOCKER_HOST, or use: docker save IMAGE | kairos-netboot extract -",
    );
  }
  const runtime = process.env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.() ?? 0}`;
  return [
    "/var/run/docker.sock",
    join(runtime, "docker.sock"),
    join(homeDirectory(), ".docker/run/docker.sock"),
    join(runtime, "podman/podman.sock"),
    "/run/podman/podman.sock",
  ];
}

/** Removes the user and the password from an address, for messages. */
function withoutUser(address: string): string {
  return address.replace(/\/\/[^/]*@/, "//");
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new RangeError("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function member(json: string, name: string): string | undefined {
  try {
    const value = (JSON.parse(json) as Record<string, unknown> | null)?.[name];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
