import { once } from "node:events";
import { type FileHandle, open, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { makeDirectories, NetbootError, systemCode } from "../../../support/index.js";

/** What asking says where nobody listens: there is no socket, or its process has ended. */
const nobody = ["ENOENT", "ECONNREFUSED"];

/**
 * Keeps other servers away from leases: a socket beside their file, on which somebody listens as long
 * as the process lives. The kernel tells, however that ends, and also across containers, where
 * process ids say nothing.
 */
export class LeaseLock {
  readonly #directory: FileHandle;
  readonly #server: Server;

  private constructor(directory: FileHandle, server: Server) {
    this.#directory = directory;
    this.#server = server;
  }

  /**
   * @param leasesPath the file of leases; its directory is made
   * @throws NetbootError LEASES_UNUSABLE where another server has them
   */
  static async take(leasesPath: string): Promise<LeaseLock> {
    let directory: FileHandle | undefined;
    try {
      await makeDirectories(dirname(leasesPath));
      directory = await open(dirname(leasesPath));
      return new LeaseLock(directory, await listen(placeIn(directory, leasesPath)));
    } catch (cause) {
      await directory?.close();
      throw notTaken(leasesPath, cause);
    }
  }

  async release(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
    await this.#directory.close();
  }
}

/** Names of sockets have at most 107 bytes, which a path may exceed. */
function placeIn({ fd }: FileHandle, leasesPath: string): string {
  return `/proc/self/fd/${fd}/${basename(leasesPath)}.lock`;
}

/** @throws the error of listening: EADDRINUSE where somebody does */
async function listen(place: string): Promise<Server> {
  if (!(await isListenedTo(place))) await rm(place, { force: true });
  const server = createServer((socket) => socket.destroy()).unref();
  await once(server.listen(place), "listening");
  return server;
}

async function isListenedTo(place: string): Promise<boolean> {
  const socket = connect(place);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (nobody.includes(systemCode(error) ?? "")) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

function notTaken(path: string, cause: unknown): NetbootError {
  const isTaken = systemCode(cause) === "EADDRINUSE";
  return new NetbootError(
    "LEASES_UNUSABLE",
    isTaken
      ? `Another server that runs keeps its leases in ${path}.`
      : `The file of leases ${path} cannot be locked (${systemCode(cause) ?? cause}).`,
    isTaken
      ? "End that one, or name another directory for this one with --state-dir."
      : "Name a directory for it with --state-dir.",
    { cause },
  );
}
