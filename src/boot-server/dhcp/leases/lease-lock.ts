import { once } from "node:events";
import { type FileHandle, open, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { makeDirectories, NetbootError, systemCode } from "../../../support/index.js";

/** Errors of connecting to a free lock: the socket is missing, or its process has ended. */
const unlockedCodes = ["ENOENT", "ECONNREFUSED"];

/**
 * Keeps other servers from using the same lease file. The lock is a Unix socket next to the file, on
 * which the server listens. The kernel closes it however the process ends, and unlike a process id
 * it also works across containers.
 */
export class LeaseLock {
  readonly #directory: FileHandle;
  readonly #server: Server;

  private constructor(directory: FileHandle, server: Server) {
    this.#directory = directory;
    this.#server = server;
  }

  /**
   * @param leasesPath the lease file, whose directory is created if it is missing
   * @throws NetbootError LEASES_UNUSABLE if another server holds the lock
   */
  static async take(leasesPath: string): Promise<LeaseLock> {
    let directory: FileHandle | undefined;
    try {
      await makeDirectories(dirname(leasesPath));
      directory = await open(dirname(leasesPath));
      return new LeaseLock(directory, await listen(socketPath(directory, leasesPath)));
    } catch (cause) {
      await directory?.close();
      throw lockError(leasesPath, cause);
    }
  }

  async release(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
    await this.#directory.close();
  }
}

/** A socket path has at most 107 bytes: /proc/self/fd shortens the path of the directory. */
function socketPath({ fd }: FileHandle, leasesPath: string): string {
  return `/proc/self/fd/${fd}/${basename(leasesPath)}.lock`;
}

/** @throws the error of listen: EADDRINUSE if another process holds the lock */
async function listen(path: string): Promise<Server> {
  if (!(await isLocked(path))) await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy()).unref();
  await once(server.listen(path), "listening");
  return server;
}

async function isLocked(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (unlockedCodes.includes(systemCode(error) ?? "")) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

function lockError(path: string, cause: unknown): NetbootError {
  const isHeld = systemCode(cause) === "EADDRINUSE";
  return new NetbootError(
    "LEASES_UNUSABLE",
    isHeld
      ? `Another running server uses the lease file ${path}.`
      : `The lease file ${path} cannot be locked (${systemCode(cause) ?? cause}).`,
    isHeld
      ? "Stop that server, or choose another directory for this one with --state-dir."
      : "Choose another directory with --state-dir.",
    { cause },
  );
}
