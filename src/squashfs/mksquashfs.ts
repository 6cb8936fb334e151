import { rm } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import type { Writable } from "node:stream";
import type { ResultPromise } from "execa";
import { diskFull, interrupted, NetbootError } from "../support/index.js";
import { BatchWriter } from "./batch-writer.js";
import { prefixFor } from "./identity.js";
import type { MksquashfsVersion } from "./mksquashfs-version.js";
import type { SquashfsPlan } from "./plan.js";

/** Milliseconds that mksquashfs has to end by itself. */
const patience = 400;

/** A running `mksquashfs - OUT -tar`, and the tar it reads. */
export class Mksquashfs {
  readonly #child: ResultPromise;
  readonly #stdin: Writable;
  readonly #tar: BatchWriter;
  readonly #path: string;
  readonly #signal: AbortSignal;
  #isWriting = true;

  private constructor(child: ResultPromise, path: string, signal: AbortSignal) {
    this.#child = child;
    this.#stdin = child.stdin!;
    this.#tar = new BatchWriter(this.#stdin);
    this.#path = path;
    this.#signal = signal;
    // A program that dies closes its end of the pipe; `finish` says why it died.
    for (const event of ["error", "close"]) {
      this.#stdin.on(event, () => {
        this.#isWriting = false;
      });
    }
    child.then(
      () => this.#stdin.destroy(),
      () => {},
    );
  }

  /**
   * @param path the file to write, which must not be there yet
   * @param processors threads that compress; all there are if undefined
   */
  static async start(
    version: MksquashfsVersion,
    plan: SquashfsPlan,
    path: string,
    { processors, signal }: { processors?: number | undefined; signal: AbortSignal },
  ): Promise<Mksquashfs> {
    const prefix = plan.identity === undefined ? [] : await prefixFor(plan.identity, version);
    const limits = limitOptions(processors);
    const command = [...prefix, version.path, "-", path, ...plan.options, ...limits];
    const { execa } = await import("execa");
    const child = execa(command[0]!, command.slice(1), {
      env: { SOURCE_DATE_EPOCH: undefined, LC_ALL: "C", ...plan.environment },
      stdin: "pipe",
      stdout: "ignore",
      stderr: "pipe",
      reject: false,
      // A process group of its own: Ctrl-C reaches this process alone, which then ends the group,
      // also where fakeroot stands between.
      detached: true,
    });
    return new Mksquashfs(child as ResultPromise, path, signal);
  }

  write(bytes: Buffer): void {
    if (this.#isWriting) this.#tar.write(bytes);
  }

  /** See FlowingOutput: undefined while there is room. */
  ready(): Promise<void> | undefined {
    if (this.#signal.aborted) return Promise.reject(interrupted());
    if (!this.#isWriting) return this.#died();
    return this.#tar.isFull ? this.#drained() : undefined;
  }

  /**
   * Ends the tar and waits for the file.
   * @throws NetbootError MKSQUASHFS_FAILED, MKSQUASHFS_TOO_OLD, DISK_FULL
   */
  async finish(): Promise<void> {
    if (this.#isWriting) {
      this.#tar.flush();
      this.#stdin.end();
    }
    const abort = () => this.#kill();
    this.#signal.addEventListener("abort", abort, { once: true });
    try {
      await this.#succeeded();
    } finally {
      this.#signal.removeEventListener("abort", abort);
    }
  }

  /** Ends the program and removes what it wrote. */
  async abort(): Promise<void> {
    this.#isWriting = false;
    this.#kill();
    await this.#child;
    await rm(this.#path, { force: true });
  }

  /** fakeroot ends its daemon when it is interrupted, not when it is killed. */
  #kill(): void {
    this.#signalGroup("SIGINT");
    const timer = setTimeout(() => this.#signalGroup("SIGKILL"), patience);
    this.#child.finally(() => clearTimeout(timer)).catch(() => {});
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#child.pid!, signal);
    } catch {
      // It ended by itself.
    }
  }

  async #drained(): Promise<void> {
    await this.#tar.hasRoom(this.#signal);
    if (this.#signal.aborted) throw interrupted();
    if (this.#stdin.destroyed) await this.#died();
  }

  /** The program went away before the tar was complete. */
  async #died(): Promise<void> {
    await this.#succeeded();
    throw failure("it ended before it had read everything");
  }

  async #succeeded(): Promise<void> {
    const result = await this.#child;
    if (this.#signal.aborted) throw interrupted();
    const words = meaningful(String(result.stderr ?? ""));
    if (result.exitCode === 0 && words === "") return;
    throw failureFrom(words || silentEnd(result), this.#path);
  }
}

const mebibyte = 1024 * 1024;

/**
 * How much of the machine mksquashfs may use; none of it changes what it writes. By itself it takes
 * a quarter of the machine's memory, whatever part of that a container may have, and fills it with
 * blocks that wait, which is slower than using the same memory again.
 */
function limitOptions(processors: number | undefined): string[] {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 4;
  const enough = Math.max(256, 32 * (processors ?? availableParallelism())) * mebibyte;
  const megabytes = Math.max(64, Math.floor(Math.min(memory, enough) / mebibyte));
  const options = ["-mem", `${megabytes}M`];
  if (processors !== undefined) options.push("-processors", String(processors));
  return options;
}

/** What mksquashfs said; the dynamic linker's remarks (fakeroot's library) are not its own. */
function meaningful(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("ERROR: ld.so:")).join("; ");
}

function silentEnd({ signal, exitCode }: { signal?: string; exitCode?: number }): string {
  return signal === undefined ? `it ended with status ${exitCode}` : `it was ended by ${signal}`;
}

function failureFrom(words: string, path: string): unknown {
  if (/No space left|Disk quota exceeded/i.test(words)) {
    return diskFull(Object.assign(new Error(words), { code: "ENOSPC" }), `the place of ${path}`);
  }
  const missing = /Compressor "(\w+)" (?:is )?not supported/i.exec(words);
  if (missing !== null) {
    return new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `This mksquashfs was built without ${missing[1]}.`,
      "Choose another --compression, or install your distribution's own squashfs-tools.",
    );
  }
  return failure(words);
}

function failure(words: string): NetbootError {
  return new NetbootError(
    "MKSQUASHFS_FAILED",
    `mksquashfs failed: ${words.replace(/[.!]$/, "")}.`,
    "Run the command again with --verbose; if it stays, try another version of squashfs-tools.",
  );
}
