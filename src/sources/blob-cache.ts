import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { diskFull, formatBytes, NetbootError, systemCode } from "../support/index.js";

/** A partial file of a process that lives is left alone for as long as it changes; milliseconds. */
const quietTime = 60_000;
/** After this, a process of that number is another one: in a container it is always 1. */
const staleTime = 24 * 60 * 60 * 1000;

/** Partial files that this process fills. */
const owned = new Set<string>();

/** A file that is being filled, owned by this process. */
export interface PartialBlob {
  readonly path: string;
  /** Bytes that an earlier run left in it. */
  readonly size: number;
  /** Puts the complete file in its place. */
  finish(): Promise<void>;
  /** Leaves the file for a later run, unless there is a larger one. */
  release(): Promise<void>;
  /** Removes the file. */
  discard(): Promise<void>;
}

/**
 * Blobs by digest, laid out as in an OCI image layout (`blobs/sha256/HEX`), partial ones beside
 * them. Several processes may use one cache at once: each fills a file of its own name and
 * renames it when it is complete and verified.
 */
export class BlobCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(digest: string): string {
    const [algorithm, hex] = digest.split(":") as [string, string];
    return join(this.#directory, "blobs", algorithm, hex);
  }

  async has(digest: string, size: number): Promise<boolean> {
    try {
      return (await stat(this.pathOf(digest))).size === size;
    } catch {
      return false;
    }
  }

  /** Bytes of a blob that are neither here nor in what an earlier run left of it. */
  async missingOf(digest: string, size: number): Promise<number> {
    if (await this.has(digest, size)) return 0;
    const left = await abandoned(this.pathOf(digest)).catch(() => []);
    return Math.max(0, size - (left[0] === undefined ? 0 : await sizeOf(left[0])));
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
      await mkdir(join(path, ".."), { recursive: true });
      const own = `${path}.new-${randomUUID().slice(0, 8)}`;
      await writeFile(own, bytes);
      await rename(own, path);
    });
  }

  /**
   * Takes over what an earlier run left of a blob, or begins with nothing.
   * @throws NetbootError CACHE_NOT_WRITABLE
   */
  async takePartial(digest: string): Promise<PartialBlob> {
    const final = this.pathOf(digest);
    const own = `${final}.partial-${process.pid}-${randomUUID().slice(0, 8)}`;
    owned.add(own);
    await this.guard(() => mkdir(join(final, ".."), { recursive: true }));
    const left = await abandoned(final);
    for (const path of left) {
      // Another process may be quicker.
      if (
        await rename(path, own).then(
          () => true,
          () => false,
        )
      )
        break;
    }
    return {
      path: own,
      size: await sizeOf(own),
      finish: async () => {
        await rename(own, final);
        owned.delete(own);
        for (const path of left) await rm(path, { force: true });
      },
      release: async () => {
        const place = `${final}.partial`;
        // Another process may have left more there.
        if ((await sizeOf(own)) > (await sizeOf(place))) await rename(own, place).catch(() => {});
        else await rm(own, { force: true });
        owned.delete(own);
      },
      discard: async () => {
        await rm(own, { force: true });
        owned.delete(own);
      },
    };
  }

  /** @throws NetbootError DISK_FULL when so many bytes cannot fit */
  async reserve(bytes: number): Promise<void> {
    await this.guard(() => mkdir(this.#directory, { recursive: true }));
    const { bavail, bsize } = await statfs(this.#directory);
    if (bytes <= bavail * bsize) return;
    const free = formatBytes(bavail * bsize);
    throw new NetbootError(
      "DISK_FULL",
      `The layers to fetch have ${formatBytes(bytes)}, but ${this.#directory} has only ${free} free.`,
      "Free some space there, or choose another place with --cache-dir.",
    );
  }

  /** Runs an action that writes, and gives its failures the cache's name. */
  async guard<Result>(action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      const code = systemCode(error);
      if (code !== "EACCES" && code !== "EROFS" && code !== "EPERM" && code !== "ENOTDIR") {
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

/** Partial files of a blob that nobody fills any more, the largest first. */
async function abandoned(final: string): Promise<string[]> {
  const directory = join(final, "..");
  const prefix = `${final.slice(directory.length + 1)}.partial`;
  const paths: string[] = [];
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(directory, name);
    const [, owner] = name.slice(prefix.length).split("-");
    if (owner === undefined) paths.push(path);
    else if (await isQuiet(path, isInUse(path, Number(owner)) ? staleTime : quietTime))
      paths.push(path);
  }
  const sizes = new Map(
    await Promise.all(paths.map(async (path) => [path, await sizeOf(path)] as const)),
  );
  return paths.sort((one, other) => sizes.get(other)! - sizes.get(one)!);
}

/** Process ids mean nothing across containers that share a cache, so `isQuiet` is asked too. */
function isInUse(path: string, pid: number): boolean {
  if (pid === process.pid) return owned.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

async function isQuiet(path: string, time: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > time;
  } catch {
    return false;
  }
}
