import { type FileHandle, open, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories, NetbootError } from "../../../support/index.js";
import type { Lease } from "./lease-pool.js";
import { formatLease, parseLease } from "./lease-record.js";

/** Bytes; the file is made small long before, so that a larger one is something else. */
const mostBytes = 64 * 1024 * 1024;
/** Lines that are added before the file is made small again, beside one a lease. */
const spareLines = 10_000;

interface Waiting {
  readonly text: string;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Leases on disk, one JSON line a change, the last one of an address or client being the one that
 * holds. Lines that come while others are being written are written together: many machines that
 * start at once do not wait for the disk one after the other.
 */
export class LeaseFile {
  readonly #path: string;
  readonly #current: () => Iterable<Lease>;
  #file: FileHandle | undefined;
  #lines = 0;
  #linesWhenSmall = 0;
  /** A failed write may have left a part of a line, which must not spoil the next one. */
  #isCutShort = false;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, current: () => Iterable<Lease>) {
    this.#path = path;
    this.#current = current;
  }

  /**
   * Opens the file for writing, with the leases that hold and nothing else in it.
   * @param current the leases that hold; asked again whenever the file has grown
   * @throws NetbootError LEASES_UNUSABLE
   */
  static async open(path: string, current: () => Iterable<Lease>): Promise<LeaseFile> {
    const file = new LeaseFile(path, current);
    try {
      await makeDirectories(dirname(path));
      await file.#makeSmall();
    } catch (error) {
      throw unusable(path, "written", error);
    }
    return file;
  }

  /** Returns when the lease is on disk; what was promised to a client is then kept. */
  append(lease: Lease): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text: formatLease(lease), resolve, reject });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#writeBatch(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(unusable(this.#path, "written", error));
      }
    }
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const text = batch.map((each) => each.text).join("");
    const start = this.#isCutShort ? "\n" : "";
    this.#isCutShort = true;
    await this.#file!.appendFile(`${start}${text}`);
    await this.#file!.datasync();
    this.#isCutShort = false;
    this.#lines += batch.length;
    if (this.#lines > 2 * this.#linesWhenSmall + spareLines) await this.#makeSmall();
  }

  /** Writes a new file and puts it in the place of the old one, which is whole until then. */
  async #makeSmall(): Promise<void> {
    const lines = [...this.#current()].map(formatLease);
    const path = `${this.#path}.new`;
    const file = await open(path, "w", 0o644);
    try {
      await file.writeFile(lines.join(""));
      await file.sync();
      await rename(path, this.#path);
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    // The rename did not touch it: what is written goes to the file's new name.
    this.#file = file;
    this.#lines = lines.length;
    this.#linesWhenSmall = lines.length;
  }
}

/**
 * The leases of a file, in the order they were written; none where there is no file. A line that
 * is no lease is passed over: the last one is cut short where the machine lost its power.
 * @throws NetbootError LEASES_UNUSABLE
 */
export async function readLeases(path: string): Promise<Lease[]> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > mostBytes) throw new RangeError(`it has ${size} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw unusable(path, "read", error);
  }
  return text.split("\n").flatMap(parseLease);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unusable(path: string, what: "read" | "written", cause: unknown): NetbootError {
  return new NetbootError(
    "LEASES_UNUSABLE",
    `The file of leases ${path} cannot be ${what}.`,
    "Name a directory for it with --state-dir.",
    { cause },
  );
}
