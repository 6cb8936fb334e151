import { LruMap } from "../../support/index.js";
import type { FileRole } from "../files/served-file.js";
import { BootSession, type MachineState } from "./boot-session.js";
import type { MachineEvent, ServeEvent } from "./events.js";

/** Sessions that are kept; the machine that was silent for longest is forgotten first. */
const maxSessions = 5_000;

/** Deferred events are logged after this much silence, or after the maximum delay. */
const deferralMs = 10;
const maxDeferralMs = 200;
/** Deferred events that are logged before the server looks for the next request. */
const maxEventsPerTurn = 32;

export interface EventLogOptions {
  onEvent(event: ServeEvent): void;
}

/** Logs what happens to each machine, and passes it on. */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #sessions = new LruMap<string, BootSession>(maxSessions);
  /** Events that still have to be created and logged. */
  #deferred: (() => MachineEvent)[] = [];
  #deferredSince = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  /** Sessions of all machines, the most recently heard of last. */
  get sessions(): readonly BootSession[] {
    this.flush();
    return [...this.#sessions.values()];
  }

  /** The number of machines in each state. */
  countStates(): ReadonlyMap<MachineState, number> {
    const counts = new Map<MachineState, number>();
    for (const { state } of this.sessions) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  sessionOf(mac: string): BootSession | undefined {
    this.flush();
    return this.#sessions.get(mac);
  }

  /** Sets the files that a machine has to fetch before it counts as booted. */
  expect(mac: string, roles: readonly FileRole[]): void {
    this.#touchSession(mac).expect(roles);
  }

  /** Sets these files for a boot that began in an earlier run of the server. */
  resume(mac: string, release: string, roles: readonly FileRole[]): void {
    this.flush();
    this.#touchSession(mac).resume(release, roles);
  }

  add(event: MachineEvent, { isQuiet = false } = {}): void {
    this.flush();
    this.#add(event, isQuiet);
  }

  /** Defers an event: when many machines start together, their offers come before the log. */
  addLater(create: () => MachineEvent): void {
    const now = performance.now();
    if (this.#deferred.length === 0) this.#deferredSince = now;
    this.#deferred.push(create);
    if (now - this.#deferredSince > maxDeferralMs) this.flush();
    else if (this.#timer === undefined) this.#timer = setTimeout(() => this.#addSome(), deferralMs);
    else this.#timer.refresh();
  }

  #addSome(): void {
    for (const create of this.#deferred.splice(0, maxEventsPerTurn)) this.#add(create(), false);
    this.#deferredSince = performance.now();
    const isMore = this.#deferred.length > 0;
    this.#timer = isMore ? setTimeout(() => this.#addSome()) : undefined;
  }

  /** Logs all deferred events, so that later ones come after them. */
  flush(): void {
    if (this.#deferred.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const create of deferred) this.#add(create(), false);
  }

  #add(event: MachineEvent, isQuiet: boolean): void {
    if (!isQuiet) this.#options.onEvent(event);
    const { mac } = event;
    // Machines that do not ask to be booted get no session.
    if (mac === undefined || (event.type === "ignored" && !event.isNotable)) return;
    const session = this.#touchSession(mac);
    const now = Date.now();
    if (!session.add(event, now)) return;
    const seconds = (now - session.begunAt) / 1000;
    this.#add({ type: "booted", mac, release: session.release ?? "", seconds }, false);
  }

  /** Logs machines that have stalled. Must be called every few seconds. */
  checkForStalled(): void {
    const now = Date.now();
    for (const session of this.sessions) {
      const step = session.stalledAfter(now);
      if (step === undefined) continue;
      const seconds = (now - session.lastSeenAt) / 1000;
      this.add({ type: "stalled", mac: session.mac, step, seconds });
    }
  }

  /** Returns a machine's session, and makes it the most recent one. */
  #touchSession(mac: string): BootSession {
    const session = this.#sessions.get(mac) ?? new BootSession(mac, Date.now());
    this.#sessions.put(mac, session);
    return session;
  }
}
