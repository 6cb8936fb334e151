import { LruMap } from "../../support/index.js";
import type { FileRole } from "../releases/release.js";
import { BootSession, type MachineState } from "./boot-session.js";
import type { MachineEvent, ServeEvent } from "./events.js";

/** Machines whose story is kept; the one heard of longest ago is forgotten first. */
const mostMachines = 5_000;

/** Milliseconds of silence until what could wait is written down, and milliseconds at the most. */
const silence = 10;
const longestWait = 200;
/** Events that are written down before the next question is looked for. */
const slice = 32;

/** Writes down what happens to each machine, and passes it on. */
export class EventLog {
  readonly #sessions = new LruMap<string, BootSession>(mostMachines);
  readonly #onEvent: (event: ServeEvent) => void;
  readonly #onBooted: (mac: string) => void;
  /** Events that are still to be made and written down. */
  #waiting: (() => MachineEvent)[] = [];
  #waitingSince = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onBooted a machine has all that it needs */
  constructor(onEvent: (event: ServeEvent) => void, onBooted: (mac: string) => void) {
    this.#onEvent = onEvent;
    this.#onBooted = onBooted;
  }

  /** Those heard of last come last. */
  get sessions(): readonly BootSession[] {
    this.catchUp();
    return [...this.#sessions.values()];
  }

  /** Machines in each state. */
  states(): ReadonlyMap<MachineState, number> {
    const states = new Map<MachineState, number>();
    for (const { state } of this.sessions) {
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    return states;
  }

  sessionOf(mac: string): BootSession | undefined {
    this.catchUp();
    return this.#sessions.get(mac);
  }

  /** What a machine is to fetch until it has booted. */
  expect(mac: string, roles: readonly FileRole[]): void {
    this.#session(mac).expect(roles);
  }

  /** The same for a boot that began in an earlier run of the server. */
  resume(mac: string, release: string, roles: readonly FileRole[]): void {
    this.catchUp();
    this.#session(mac).resume(release, roles);
  }

  /** In a storm machines wait for their offers, and the log can wait until they have them. */
  addSoon(make: () => MachineEvent): void {
    const now = performance.now();
    if (this.#waiting.length === 0) this.#waitingSince = now;
    this.#waiting.push(make);
    if (now - this.#waitingSince > longestWait) this.catchUp();
    else if (this.#timer === undefined) this.#timer = setTimeout(() => this.#writeSome(), silence);
    else this.#timer.refresh();
  }

  #writeSome(): void {
    for (const make of this.#waiting.splice(0, slice)) this.#add(make(), false);
    this.#waitingSince = performance.now();
    const isMore = this.#waiting.length > 0;
    this.#timer = isMore ? setTimeout(() => this.#writeSome()) : undefined;
  }

  /** Writes down what waited, so that what comes next comes after it. */
  catchUp(): void {
    if (this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const make of waiting) this.#add(make(), false);
  }

  add(event: MachineEvent, { isQuiet = false } = {}): void {
    this.catchUp();
    this.#add(event, isQuiet);
  }

  #add(event: MachineEvent, isQuiet: boolean): void {
    if (!isQuiet) this.#onEvent(event);
    // Who does not ask to be booted has no story.
    if (event.mac === undefined || (event.type === "ignored" && !event.isNotable)) return;
    const session = this.#session(event.mac);
    const now = Date.now();
    if (!session.add(event, now)) return;
    const { mac } = event;
    const seconds = (now - session.begunAt) / 1000;
    this.#onBooted(mac);
    this.#add({ type: "booted", mac, release: session.release ?? "", seconds }, false);
  }

  /** Tells of machines that are not heard from any more; to be called every few seconds. */
  lookForStalled(): void {
    const now = Date.now();
    for (const session of this.sessions) {
      const step = session.stalledAfter(now);
      if (step === undefined) continue;
      const seconds = (now - session.lastSeenAt) / 1000;
      this.add({ type: "stalled", mac: session.mac, step, seconds });
    }
  }

  #session(mac: string): BootSession {
    const session = this.#sessions.get(mac) ?? new BootSession(mac, Date.now());
    this.#sessions.put(mac, session);
    return session;
  }
}
