import { randomUUID } from "node:crypto";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makeDirectories, systemCode } from "../../support/index.js";
import {
  hasEnded,
  ownIdentity,
  type ProcessIdentity,
  processIdentity,
} from "./process-identity.js";

/** Milliseconds. */
export interface SessionTiming {
  /** Between two signs of life. */
  readonly heartbeat: number;
  /** Who gives no sign of life for so long, while it is watched, is taken for dead. */
  readonly quiet: number;
  /** Between two looks at what others do. */
  readonly poll: number;
}

const TIMING: SessionTiming = { heartbeat: 4000, quiet: 20_000, poll: 100 };
/** Who gave no sign for so long and cannot be looked at is dead without being watched. */
const ancient = 60 * 60 * 1000;
const suffix = ".session";
const fullDisk = ["ENOSPC", "EDQUOT"];

/**
 * What is done with a blob. One process fills it at a time, any number use it, and it is removed
 * only when nobody does either.
 */
export type ClaimMode = "fill" | "use" | "prune";

const conflicts: Readonly<Record<ClaimMode, readonly ClaimMode[]>> = {
  fill: ["fill", "prune"],
  use: ["prune"],
  prune: ["fill", "use", "prune"],
};

export interface Claim {
  /** Aborted where others have taken this process for dead, and may have gone on in its place. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

interface Observation {
  readonly mtime: number;
  readonly since: number;
}

/**
 * One user of a cache directory among several processes, which may live in containers of their own.
 * Each has a file `locks/ID.session`, which says who it is and is touched as a sign of life, and for
 * each claim an empty file `locks/ALGORITHM-HEX.MODE.ID`. A claim holds as long as its session
 * lives. It is made first and the others are looked at then: of two that come at once at least one
 * sees the other, and steps back. So no lock of a dead process has to be broken by anybody.
 */
export class CacheSession {
  readonly #directory: string;
  readonly #timing: SessionTiming;
  readonly #observed = new Map<string, Observation>();
  /** Modes and keys of the claims that are to be made again where they were lost. */
  readonly #used = new Set<string>();
  #life: Promise<Life> | undefined;
  /** Of the session that is open, or was last. */
  #id: string | undefined;
  #identity: Promise<ProcessIdentity> | undefined;

  /** @param cache the cache's directory */
  constructor(cache: string, timing: Partial<SessionTiming> = {}) {
    this.#directory = join(cache, "locks");
    this.#timing = { ...TIMING, ...timing };
  }

  get poll(): number {
    return this.#timing.poll;
  }

  /** Undefined where another process has a claim that does not go with this one. */
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

  /** Says for the rest of the session that a blob is used; waits for who is just removing it. */
  async use(digest: string, signal: AbortSignal): Promise<void> {
    const { id } = await this.#open();
    this.#used.add(digest);
    await writeFile(this.#pathOf(digest, "use", id), "");
    while (await this.isClaimed(digest, conflicts.use)) {
      await delay(this.poll, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** Whether a living session other than this one has such a claim. */
  async isClaimed(digest: string, modes: readonly ClaimMode[]): Promise<boolean> {
    const key = keyOf(digest);
    for (const name of await this.#names()) {
      const [its, mode, id] = name.split(".");
      if (its !== key || id === this.#id || !modes.includes(mode as ClaimMode)) continue;
      if (await this.#isAlive(id!)) return true;
      await this.#drop(name);
    }
    return false;
  }

  /** Removes what dead sessions have left. */
  async sweep(): Promise<void> {
    for (const name of await this.#names()) {
      const id = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name.split(".")[2];
      if (id !== undefined && !(await this.#isAlive(id))) await this.#drop(name);
    }
  }

  /** Gives up all claims. */
  async close(): Promise<void> {
    const life = await this.#life?.catch(() => undefined);
    this.#life = undefined;
    if (life === undefined) return;
    clearInterval(life.timer);
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names.filter((it) => it.endsWith(`.${life.id}`))) {
      await this.#drop(name);
    }
    await this.#drop(life.id + suffix);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      // Nobody has claimed anything yet. What cannot be read may be claimed.
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
      throw error;
    }
  }

  /** What cannot be removed, being another user's, does no harm. */
  async #drop(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true }).catch(() => {});
  }

  #open(): Promise<Life> {
    this.#life ??= this.#begin().catch((error: unknown) => {
      this.#life = undefined;
      throw error;
    });
    return this.#life;
  }

  async #begin(): Promise<Life> {
    await makeDirectories(this.#directory);
    const id = randomUUID();
    this.#id = id;
    const path = join(this.#directory, id + suffix);
    await writeFile(path, JSON.stringify(await this.#here())).catch((error: unknown) => {
      // A full disk has room for empty files, mostly, and is what `prune` is called for. Who cannot say
      // who it is gives signs of life all the same.
      if (!fullDisk.includes(systemCode(error) ?? "")) throw error;
    });
    const lost = new AbortController();
    const timer = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch((error: unknown) => {
        if (systemCode(error) === "ENOENT") this.#restart(timer, lost);
      });
    }, this.#timing.heartbeat);
    timer.unref();
    for (const digest of this.#used) await writeFile(this.#pathOf(digest, "use", id), "");
    await this.sweep();
    return { id, timer, lost };
  }

  /** This process slept for so long that others took it for dead: it begins anew. */
  #restart(timer: NodeJS.Timeout, lost: AbortController): void {
    clearInterval(timer);
    if (this.#life === undefined || lost.signal.aborted) return;
    this.#life = undefined;
    lost.abort();
    if (this.#used.size > 0) this.#open().catch(() => {});
  }

  async #isAlive(id: string): Promise<boolean> {
    if (id === this.#id) return true;
    const isDead = await this.#isDead(id, join(this.#directory, id + suffix));
    if (isDead) await this.#drop(id + suffix);
    return !isDead;
  }

  async #isDead(id: string, path: string): Promise<boolean> {
    let identity: ProcessIdentity | undefined;
    let mtime: number;
    try {
      const text = await readFile(path, "utf8");
      mtime = (await stat(path)).mtimeMs;
      identity = parseIdentity(text);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return true;
      throw error;
    }
    const here = await this.#here();
    if (identity !== undefined && (await hasEnded(identity, here))) return true;
    const isNear = identity?.boot === here.boot && identity.namespace === here.namespace;
    if (!isNear && Date.now() - mtime > ancient) return true;
    const now = performance.now();
    const observed = this.#observed.get(id);
    if (observed?.mtime === mtime) return now - observed.since > this.#timing.quiet;
    this.#observed.set(id, { mtime, since: now });
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

interface Life {
  readonly id: string;
  readonly timer: NodeJS.Timeout;
  readonly lost: AbortController;
}

function keyOf(digest: string): string {
  return digest.replace(":", "-");
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    return processIdentity.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
