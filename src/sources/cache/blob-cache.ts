import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, readFile, rename, rm, stat, statfs, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  diskFull,
  formatBytes,
  makeDirectories,
  NetbootError,
  systemCode,
} from "../../support/index.js";
import { CacheSession, type SessionTiming } from "./cache-session.js";

/** A file that is being filled, by this process alone. */
export interface PartialBlob {
  readonly path: string;
  /** Aborted where another process may fill it by now. */
  readonly lost: AbortSignal;
  /** Puts the complete file in its place. */
  finish(): Promise<void>;
  /** Removes the file. */
  discard(): Promise<void>;
  /** Leaves what there is of the file to whoever goes on with it. */
  release(): Promise<void>;
}

const refusals = ["EACCES", "EROFS", "EPERM", "ENOTDIR"];
/** Where the cache itself is made: some file systems, /proc among them, take no new directory. */
const placeRefusals = [...refusals, "ENOENT"];

/**
 * Blobs by digest, laid out as in an OCI image layout (`blobs/sha256/HEX`), partial ones beside
 * them (`HEX.partial`). Several processes may use one cache at once (`cache/session.ts`): one fills
 * a file and renames it when it is complete and verified, others may read what there is of it.
 */
export class BlobCache {
  readonly #directory: string;
  readonly #session: CacheSession;

  constructor(directory: string, timing?: Partial<SessionTiming>) {
    this.#directory = directory;
    this.#session = new CacheSession(directory, timing);
  }

  /** Milliseconds between two looks at what another process does. */
  get poll(): number {
    return this.#session.poll;
  }

  pathOf(digest: string): string {
    const [algorithm, hex] = digest.split(":") as [string, string];
    return join(this.#directory, "blobs", algorithm, hex);
  }

  partialPathOf(digest: string): string {
    return `${this.pathOf(digest)}.partial`;
  }

  /** Whether a blob is complete. One that another user has kept to himself is as good as not there. */
  async has(digest: string, size: number): Promise<boolean> {
    const path = this.pathOf(digest);
    try {
      await access(path, constants.R_OK);
      return (await stat(path)).size === size;
    } catch {
      return false;
    }
  }

  /**
   * Keeps a blob from being removed, by `prune` here or in any process, until the cache is closed.
   * A cache that cannot be written to can be used all the same, as far as it goes.
   */
  async use(digest: string, signal: AbortSignal): Promise<void> {
    try {
      await this.guard(() => this.#session.use(digest, signal), placeRefusals);
    } catch (error) {
      if (systemCode(error) !== "CACHE_NOT_WRITABLE") throw error;
    }
  }

  /** Notes that a blob was of use now: what was not for long is pruned first. */
  async touch(digest: string): Promise<void> {
    const now = new Date();
    await utimes(this.pathOf(digest), now, now).catch(() => {});
  }

  /** Bytes of a blob that are neither here nor in what an earlier run left of it. */
  async missingOf(digest: string, size: number): Promise<number> {
    if (await this.has(digest, size)) return 0;
    return Math.max(0, size - (await sizeOf(this.partialPathOf(digest))));
  }

  /** Forgets a blob that turned out to be damaged. */
  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  /** A small blob, or undefined; not verified. */
  async readSmall(digest: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.pathOf(digest));
    } catch {
      return undefined;
    }
  }

  async writeSmall(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(digest);
    await this.guard(async () => {
      await makeDirectories(dirname(path));
      const own = `${path}.new-${randomUUID().slice(0, 8)}`;
      await writeFile(own, bytes);
      await rename(own, path);
    }, placeRefusals);
  }

  /**
   * Takes over what an earlier run left of a blob, or begins with nothing. Undefined where another
   * process fills it, or is just removing it.
   * @throws NetbootError CACHE_NOT_WRITABLE
   */
  async takePartial(digest: string): Promise<PartialBlob | undefined> {
    const final = this.pathOf(digest);
    const path = this.partialPathOf(digest);
    return this.guard(async () => {
      await makeDirectories(dirname(final));
      const claim = await this.#session.claim(digest, "fill");
      if (claim === undefined) return undefined;
      return {
        path,
        lost: claim.lost,
        finish: () => rename(path, final),
        discard: () => rm(path, { force: true }),
        release: async () => {
          if ((await sizeOf(path)) === 0) await rm(path, { force: true });
          await claim.release();
        },
      };
    }, placeRefusals);
  }

  /** Whether another process that lives fills a blob. */
  isBeingFilled(digest: string): Promise<boolean> {
    return this.#session.isClaimed(digest, ["fill"]);
  }

  /** @throws NetbootError DISK_FULL when so many bytes cannot fit */
  async reserve(bytes: number): Promise<void> {
    await this.guard(() => makeDirectories(this.#directory), placeRefusals);
    const { bavail, bsize } = await statfs(this.#directory);
    if (bytes <= bavail * bsize) return;
    const free = formatBytes(bavail * bsize);
    throw new NetbootError(
      "DISK_FULL",
      `The layers to fetch have ${formatBytes(bytes)}, but ${this.#directory} has only ${free} free.`,
      "Free some space there, or choose another place with --cache-dir.",
    );
  }

  /** Nothing of it is used any more. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  /** Runs an action that writes, and gives its failures the cache's name. */
  async guard<Result>(action: () => Promise<Result>, codes = refusals): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || !codes.includes(code)) {
        throw diskFull(error, `the cache, ${this.#directory}`);
      }
      throw new NetbootError(
        "CACHE_NOT_WRITABLE",
        `The cache directory ${this.#directory} cannot be written to (${code}).`,
        "Choose another with --cache-dir, or use --no-cache.",
        { cause: error },
      );
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
