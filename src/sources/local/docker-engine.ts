import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { homeDirectory } from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";

/** Milliseconds without an answer, or without a byte of one; an export begins slowly. */
const answerTime = 30_000;
const exportTime = 600_000;
/** Answers that are no archive; bytes. */
const largestAnswer = 4 * 1024 * 1024;

/** A daemon that speaks the Docker Engine API (v1.24 and later) on a Unix socket. */
export class DockerEngine {
  readonly #socket: string;
  readonly #signal: AbortSignal;

  private constructor(socket: string, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /**
   * The first daemon that answers: the one that DOCKER_HOST names, else Docker's, Docker's without
   * root, podman's without root, podman's.
   * @throws NetbootError DAEMON_UNREACHABLE
   */
  static async connect(signal: AbortSignal): Promise<DockerEngine> {
    const failures: string[] = [];
    for (const socket of socketsToTry()) {
      const engine = new DockerEngine(socket, signal);
      try {
        (await engine.#get("/_ping", answerTime)).resume();
        return engine;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${socket} (${systemCode(error) ?? (error as Error).message})`);
      }
    }
    throw new NetbootError(
      "DAEMON_UNREACHABLE",
      `No Docker or podman daemon answers: ${failures.join(", ")}.`,
      "Start it (systemctl --user start podman.socket), name its socket in DOCKER_HOST, or use: docker save IMAGE | kairos-netboot extract -",
    );
  }

  /** For messages. */
  get socket(): string {
    return this.#socket;
  }

  /**
   * The archive that `docker save` would write of an image.
   * @param name as users write it, with a tag or a digest; or an ID
   * @throws NetbootError IMAGE_NOT_FOUND, DAEMON_ERROR
   */
  async save(name: string): Promise<AsyncIterable<Buffer>> {
    const id = await this.#imageId(name);
    const response = await this.#ask(`/images/${id}/get`, exportTime);
    if (response.statusCode !== 200) throw await this.#refusal(name, response);
    return this.#body(name, response);
  }

  /** What the daemon calls the image by itself, so that names need not be read in two ways. */
  async #imageId(name: string): Promise<string> {
    const response = await this.#ask(`/images/${name}/json`, answerTime);
    if (response.statusCode !== 200) throw await this.#refusal(name, response);
    const id = member(await textOf(response), "Id");
    if (id !== undefined && /^(?:sha256:)?[0-9a-f]{64}$/.test(id)) return id;
    throw this.#failure(`answered without an ID for the image ${name}`);
  }

  async *#body(name: string, response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      yield* response as AsyncIterable<Buffer>;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw this.#failure(`broke off while it sent the image ${name}`, error);
    }
    if (!response.complete) throw this.#failure(`broke off while it sent the image ${name}`);
  }

  async #refusal(name: string, response: IncomingMessage): Promise<NetbootError> {
    const words = member(await textOf(response).catch(() => ""), "message");
    if (response.statusCode === 404) {
      return new NetbootError(
        "IMAGE_NOT_FOUND",
        `The daemon at ${this.#socket} has no image ${name}${words ? ` (${words})` : ""}.`,
        "See what it has with: docker images, or podman images",
      );
    }
    const reason = words ?? `status ${response.statusCode}`;
    return this.#failure(`refused to hand out the image ${name} (${reason})`);
  }

  async #ask(path: string, time: number): Promise<IncomingMessage> {
    try {
      return await this.#get(path, time);
    } catch (error) {
      this.#signal.throwIfAborted();
      throw this.#failure(`does not answer (${systemCode(error) ?? (error as Error).message})`);
    }
  }

  #get(path: string, time: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#socket, path, headers: { Host: "docker" } };
      const asked = request({ ...options, agent: false, signal: this.#signal, timeout: time });
      asked
        .on("response", resolve)
        .on("error", reject)
        .on("timeout", () => asked.destroy(new Error(`silent for ${time / 1000} s`)))
        .end();
    });
  }

  #failure(problem: string, cause?: unknown): NetbootError {
    return new NetbootError(
      "DAEMON_ERROR",
      `The daemon at ${this.#socket} ${problem}.`,
      "Look into the daemon's log, or use: docker save IMAGE | kairos-netboot extract -",
      { cause },
    );
  }
}

/** @throws NetbootError DAEMON_UNREACHABLE for a DOCKER_HOST that is no socket */
function socketsToTry(): string[] {
  const host = process.env.DOCKER_HOST;
  if (host) {
    const path = /^unix:\/\/(\/.*)$/.exec(host)?.[1];
    if (path !== undefined) return [path];
    throw new NetbootError(
      "DAEMON_UNREACHABLE",
      `DOCKER_HOST is ${withoutUser(host)}, and only Unix sockets (unix:///PATH) can be asked.`,
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

/** An address may hold a password. */
function withoutUser(address: string): string {
  return address.replace(/\/\/[^/]*@/, "//");
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new RangeError("the answer is too large");
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
