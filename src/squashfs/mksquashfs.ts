import { rm } from "node:fs/promises";
import type { Writable } from "node:stream";
import type { TarOutput } from "../layers/index.js";
import { interrupted, type RunningProgram, startProgram } from "../support/index.js";
import { BatchWriter } from "./batch-writer.js";
import { findFailure, mksquashfsFailed } from "./mksquashfs-failure.js";
import type { MksquashfsVersion } from "./mksquashfs-version.js";
import { resourceOptions } from "./resource-limits.js";
import { findRunAsPrefix } from "./run-as.js";
import type { SquashfsPlan } from "./squashfs-plan.js";

/** Time between interrupting mksquashfs and killing it. */
const killDelayMs = 400;
const maxStderrLength = 10_000;

export interface MksquashfsOptions {
  /** Number of compressing threads; all processors if undefined. */
  readonly processors?: number | undefined;
  /** Ends the program. */
  readonly signal: AbortSignal;
}

/** A running `mksquashfs - OUT -tar`, and the tar that it reads. */
export class Mksquashfs implements TarOutput {
  readonly #program: RunningProgram;
  readonly #stdin: Writable;
  readonly #tar: BatchWriter;
  readonly #path: string;
  readonly #signal: AbortSignal;
  #isWriting = true;

  private constructor(program: RunningProgram, stdin: Writable, path: string, signal: AbortSignal) {
    this.#program = program;
    this.#stdin = stdin;
    this.#tar = new BatchWriter(stdin);
    this.#path = path;
    this.#signal = signal;
    // If the program dies, its end of the pipe closes; `finish` reports why it died.
    for (const event of ["error", "close"]) {
      stdin.on(event, () => {
        this.#isWriting = false;
      });
    }
  }

  /**
   * Starts the program.
   * @param path the file to write, which must not exist yet
   * @throws NetbootError MKSQUASHFS_TOO_OLD if it cannot run as the planned user
   */
  static async start(
    version: MksquashfsVersion,
    plan: SquashfsPlan,
    path: string,
    { processors, signal }: MksquashfsOptions,
  ): Promise<Mksquashfs> {
    const prefix = plan.runAs === undefined ? [] : await findRunAsPrefix(plan.runAs, version);
    const options = [...plan.options, ...resourceOptions(processors)];
    const [file, ...args] = [...prefix, version.path, "-", path, ...options];
    const program = startProgram(file ?? version.path, args, {
      env: { SOURCE_DATE_EPOCH: undefined, ...plan.environment },
      stdio: ["pipe", "ignore", "pipe"],
      // Ctrl-C then reaches only this process, which ends the program's process group. That group
      // includes mksquashfs even if fakeroot started it.
      detached: true,
      maxStderrLength,
    });
    const { stdin } = program.child;
    if (stdin === null) throw new TypeError("mksquashfs was started without a pipe");
    return new Mksquashfs(program, stdin, path, signal);
  }

  write(bytes: Buffer): void {
    if (this.#isWriting) this.#tar.write(bytes);
  }

  ready(): Promise<void> | undefined {
    if (this.#signal.aborted) return Promise.reject(interrupted());
    if (!this.#isWriting) return this.#reportDeath();
    return this.#tar.isFull ? this.#waitForRoom() : undefined;
  }

  /**
   * Ends the tar and waits until the file is complete.
   * @throws NetbootError MKSQUASHFS_FAILED, MKSQUASHFS_TOO_OLD, DISK_FULL, INTERRUPTED
   */
  async finish(): Promise<void> {
    if (this.#isWriting) {
      this.#tar.flush();
      this.#stdin.end();
    }
    const abort = () => this.#kill();
    this.#signal.addEventListener("abort", abort, { once: true });
    try {
      await this.#assertSuccess();
    } finally {
      this.#signal.removeEventListener("abort", abort);
    }
  }

  /** Ends the program and removes what it wrote. */
  async abort(): Promise<void> {
    this.#isWriting = false;
    this.#kill();
    await this.#program.ended.catch(() => {});
    await rm(this.#path, { force: true });
  }

  /** fakeroot stops its daemon if it is interrupted, but not if it is killed. */
  #kill(): void {
    this.#signalGroup("SIGINT");
    const timer = setTimeout(() => this.#signalGroup("SIGKILL"), killDelayMs);
    this.#program.ended.finally(() => clearTimeout(timer)).catch(() => {});
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#program.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has already ended.
    }
  }

  async #waitForRoom(): Promise<void> {
    await this.#tar.hasRoom(this.#signal);
    if (this.#signal.aborted) throw interrupted();
    if (this.#stdin.destroyed) await this.#reportDeath();
  }

  /** Rejects with the reason why the program ended before the tar was complete. */
  async #reportDeath(): Promise<void> {
    await this.#assertSuccess();
    throw mksquashfsFailed("it ended before it had read the whole tar");
  }

  async #assertSuccess(): Promise<void> {
    const end = await this.#program.ended.catch((error: Error) => {
      throw mksquashfsFailed(error.message);
    });
    if (this.#signal.aborted) throw interrupted();
    const failure = findFailure(end, this.#path);
    if (failure !== undefined) throw failure;
  }
}
