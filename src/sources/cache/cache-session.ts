import { randomUUID } from "node:crypto";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makeDirectories, systemCode } from "../../support/index.js";
import { hasEnded, ownIdentity, type ProcessIdentity, parseIdentity } from "./process-identity.js";

export interface SessionTiming {
  /** How often a session touches its file as a sign of life. */
  readonly heartbeatIntervalMs: number;
  /** A session that gives no sign of life for this long, while it is watched, counts as dead. */
  readonly silenceTimeoutMs: number;
  /** How often to look at what other processes do. */
  readonly pollIntervalMs: number;
}

const defaultTiming: SessionTiming = {
  heartbeatIntervalMs: 4000,
  silenceTimeoutMs: 20_000,
  pollIntervalMs: 100,
};
/**
 * A session on another machine or in another container counts as dead, without being watched, if its
 * last sign of life is older than this.
 */
const remoteSilenceTimeoutMs = 60 * 60 * 1000;
const sessionSuffix = ".session";
const diskFullCodes = ["ENOSPC", "EDQUOT"];

/**
 * The kinds of use that a process can claim for a blob. One process at a time fills it, any number use it, and it can be
 * removed only while no process does either.
 */
export type ClaimMode = "fill" | "use" | "prune";

const conflicts: Readonly<Record<ClaimMode, readonly ClaimMode[]>> = {
  fill: ["fill", "prune"],
  use: ["prune"],
  prune: ["fill", "use", "prune"],
};

export interface Claim {
  /** Aborted when other processes consider this one dead, and may have taken its place. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** The last sign of life of another session, and when it was first seen. */
interface Observation {
  readonly mtimeMs: number;
  readonly sinceMs: number;
}

/** The file and the timer of a session that is open. */
interface OpenSession {
  readonly id: string;
  readonly timer: NodeJS.Timeout;
  readonly lost: AbortController;
}

/**
 * Coordinates one process with the others that use the same cache directory, some of them perhaps in
 * other containers. Each session has a file `locks/ID.session`, which identifies its process and is
 * touched as a sign of life, and an empty file `locks/ALGORITHM-HEX.MODE.ID` for each claim. A claim
 * is valid as long as its session lives. A session first creates its claim and then looks for those of
 * others: of two that claim a blob concurrently, at least one sees the other, and steps back. No
 * process ever has to break the lock of a dead one.
 */
export class CacheSession {
  readonly #directory: string;
  readonly #timing: SessionTiming;
  readonly #nowMs: () => number;
  readonly #observed = new Map<string, Observation>();
  /** Digests of the blobs in use, to claim them again if the session is lost. */
  readonly #used = new Set<string>();
  #session: Promise<OpenSession> | undefined;
  /** The ID of the open session, or of the last one. */
  #id: string | undefined;
  #identity: Promise<ProcessIdentity> | undefined;

  /**
   * @param cache the cache's directory
   * @param nowMs the clock that measures how long other sessions are silent; only tests need another
   */
  constructor(cache: string, timing: Partial<SessionTiming> = {}, nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#directory = join(cache, "locks");
    this.#timing = { ...defaultTiming, ...timing };
  }

  get pollIntervalMs(): number {
    return this.#timing.pollIntervalMs;
  }

  /** Claims a blob; undefined if another process has a claim that excludes this one. */
  async claim(digest: string, mode: ClaimMode): Promise<Claim | undefined> {
    const { id, lost } = await this.#open();
    const path = this.#pathOf(digest, mode, id);
    await writeFile(path, "");
    const release = () => rm(path, { force: true });
    let isFree = false;
    try {
      isFree = !(await this.isClaimed(digest, conflicts[mode]));
    } finally {
      if (!isFree) await release();
    }
    return isFree ? { lost: lost.signal, release } : undefined;
  }

  /**
   * Claims the use of a blob for the rest of the session. If a process is about to remove the blob,
   * this waits until it has done so.
   */
  async use(digest: string, signal: AbortSignal): Promise<void> {
    const { id } = await this.#open();
    this.#used.add(digest);
    await writeFile(this.#pathOf(digest, "use", id), "");
    while (await this.isClaimed(digest, conflicts.use)) {
      await delay(this.pollIntervalMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** Whether another living session has a claim of one of these modes. */
  async isClaimed(digest: string, modes: readonly ClaimMode[]): Promise<boolean> {
    const key = keyOf(digest);
    for (const name of await this.#names()) {
      const [claimed, mode, id] = name.split(".");
      if (claimed !== key || id === undefined || id === this.#id) continue;
      if (!modes.includes(mode as ClaimMode)) continue;
      if (await this.#isAlive(id)) return true;
      await this.#drop(name);
    }
    return false;
  }

  /** Removes the files of dead sessions. */
  async sweep(): Promise<void> {
    for (const name of await this.#names()) {
      const isSession = name.endsWith(sessionSuffix);
      const id = isSession ? name.slice(0, -sessionSuffix.length) : name.split(".")[2];
      if (id !== undefined && !(await this.#isAlive(id))) await this.#drop(name);
    }
  }

  /** Gives up all claims. */
  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    if (session === undefined) return;
    clearInterval(session.timer);
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names.filter((it) => it.endsWith(`.${session.id}`))) {
      await this.#drop(name);
    }
    await this.#drop(session.id + sessionSuffix);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      // There are no claims yet. A directory that cannot be read may hold some.
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
      throw error;
    }
  }

  /** Removes a file. If it belongs to another user, it stays, which does no harm. */
  async #drop(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true }).catch(() => {});
  }

  #open(): Promise<OpenSession> {
    this.#session ??= this.#begin().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #begin(): Promise<OpenSession> {
    await makeDirectories(this.#directory);
    const id = randomUUID();
    this.#id = id;
    const path = join(this.#directory, id + sessionSuffix);
    await writeFile(path, JSON.stringify(await this.#here())).catch((error: unknown) => {
      // `prune` has to work on a full disk, which usually still has room for empty files. A session
      // without an identity in its file still gives signs of life.
      if (!diskFullCodes.includes(systemCode(error) ?? "")) throw error;
    });
    const lost = new AbortController();
    const timer = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch((error: unknown) => {
        if (systemCode(error) === "ENOENT") this.#restart(timer, lost);
      });
    }, this.#timing.heartbeatIntervalMs);
    timer.unref();
    for (const digest of this.#used) await writeFile(this.#pathOf(digest, "use", id), "");
    await this.sweep();
    return { id, timer, lost };
  }

  /** Begins a new session. Another process considered this one dead, because it was suspended. */
  #restart(timer: NodeJS.Timeout, lost: AbortController): void {
    clearInterval(timer);
    if (this.#session === undefined || lost.signal.aborted) return;
    this.#session = undefined;
    lost.abort();
    if (this.#used.size > 0) this.#open().catch(() => {});
  }

  async #isAlive(id: string): Promise<boolean> {
    if (id === this.#id) return true;
    const isDead = await this.#isDead(id, join(this.#directory, id + sessionSuffix));
    if (isDead) await this.#drop(id + sessionSuffix);
    return !isDead;
  }

  async #isDead(id: string, path: string): Promise<boolean> {
    let identity: ProcessIdentity | undefined;
    let mtimeMs: number;
    try {
      const text = await readFile(path, "utf8");
      mtimeMs = (await stat(path)).mtimeMs;
      identity = parseIdentity(text);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return true;
      throw error;
    }
    const here = await this.#here();
    if (identity !== undefined && (await hasEnded(identity, here))) return true;
    const isNear = identity?.boot === here.boot && identity.namespace === here.namespace;
    if (!isNear && Date.now() - mtimeMs > remoteSilenceTimeoutMs) return true;
    // The two machines' clocks may disagree, so the silence is measured on this one's.
    const nowMs = this.#nowMs();
    const observed = this.#observed.get(id);
    if (observed?.mtimeMs === mtimeMs) {
      return nowMs - observed.sinceMs > this.#timing.silenceTimeoutMs;
    }
    this.#observed.set(id, { mtimeMs, sinceMs: nowMs });
    return false;
  }

  #here(): Promise<ProcessIdentity> {
    this.#identity ??= ownIdentity();
    return this.#identity;
  }

  #pathOf(digest: string, mode: ClaimMode, id: string): string {
    return join(this.#directory, `${keyOf(digest)}.${mode}.${id}`);
  }
}

function keyOf(digest: string): string {
  return digest.replace(":", "-");
}
