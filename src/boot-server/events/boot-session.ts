import type { FileRole } from "../releases/release.js";
import type { MachineEvent, Transfer } from "./events.js";

/** Events of a machine that are kept. */
const mostEvents = 30;
/** Milliseconds without a word after which a machine on its way has stalled. */
const patience = 120_000;
/** Milliseconds after which firmware that asks begins another boot, not another try. */
const pause = 90_000;

/**
 * - `seen`: it was given an address, or did something else on its way to nowhere
 * - `asking`: its firmware was offered something
 * - `booting`: it fetches, or runs what it fetched
 * - `booted`: it has all that it needs
 * - `stalled`: it was booting, and is not heard from
 * - `disk`: it was sent to its disk
 * - `refused`: it got nothing
 */
export type MachineState =
  | "seen"
  | "asking"
  | "booting"
  | "booted"
  | "stalled"
  | "disk"
  | "refused";

export interface Step {
  readonly name: "asked" | "offered" | FileRole;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What was offered, or the name of the file. */
  readonly text: string;
  /** Bytes that are there, of how many, and how many a second; undefined for what is no file. */
  readonly sent?: number;
  readonly size?: number;
  readonly rate?: number;
  readonly isComplete?: boolean;
}

export interface LoggedEvent {
  readonly at: number;
  readonly event: MachineEvent;
}

/** How far a machine came. */
export class BootSession {
  readonly mac: string;
  state: MachineState = "seen";
  release: string | undefined;
  /** Why it was treated as it was, the last time that was decided. */
  reasons: readonly string[] = [];
  /** Of the boot that is under way, or the last one; each by its name. */
  readonly steps = new Map<Step["name"], Step>();
  readonly events: LoggedEvent[] = [];
  /** When the boot under way began. */
  begunAt: number;
  lastSeenAt: number;
  /** What it has to fetch before it is said to have booted. */
  #awaited: readonly FileRole[] = [];

  constructor(mac: string, now: number) {
    this.mac = mac;
    this.begunAt = now;
    this.lastSeenAt = now;
  }

  /** What is fetched until the machine is said to have booted. */
  expect(roles: readonly FileRole[]): void {
    this.#awaited = roles;
  }

  /** The same for a boot that began in an earlier run of the server, where nothing else is known. */
  resume(release: string, roles: readonly FileRole[]): void {
    if (this.#awaited.length > 0) return;
    this.release = release;
    this.#awaited = roles;
  }

  /** True from the script until the machine has all that it needs, also where it stalled. */
  get isUnderWay(): boolean {
    return this.#awaited.length > 0 && (this.state === "booting" || this.state === "stalled");
  }

  /** @returns true where with this event the machine has all that it needs */
  add(event: MachineEvent, now: number): boolean {
    if (event.type !== "progress") this.#log(event, now);
    const isOfFirmware = event.type === "offered" && !event.bootFile.endsWith(".ipxe");
    if (event.type === "offered" && this.#isAnotherBoot(isOfFirmware, now)) this.#begin(now);
    if (event.type !== "stalled") this.lastSeenAt = now;
    switch (event.type) {
      case "offered":
        if (!this.steps.has("asked")) this.#step({ name: "asked", at: now, text: "" });
        this.#step({ name: "offered", at: now, text: event.bootFile });
        this.state = isOfFirmware ? "asking" : "booting";
        return false;
      case "sent-to-disk":
        this.state = "disk";
        this.reasons = event.reasons;
        return false;
      case "script":
        this.release = event.release ?? this.release;
        this.reasons = event.reasons;
        this.state = event.release === undefined ? "refused" : "booting";
        return false;
      case "leased":
      case "waiting":
        return false;
      case "ignored":
        if (event.isNotable && ["seen", "asking", "refused"].includes(this.state)) {
          this.state = "refused";
          this.reasons = [event.reason];
        }
        return false;
      case "started":
      case "progress":
      case "sent":
        return this.#transfer(event, now);
      default:
        this.state = event.type;
        return false;
    }
  }

  /** What it did last, where it is on its way and has not been heard from for too long. */
  stalledAfter(now: number): string | undefined {
    if (this.state !== "booting" || now - this.lastSeenAt <= patience) return undefined;
    return [...this.steps.values()].at(-1)?.name ?? "asked";
  }

  #transfer(event: Transfer & { type: string; rate?: number }, now: number): boolean {
    const { role, name, size } = event;
    const isComplete = event.type === "sent" && "isComplete" in event && event.isComplete === true;
    const known = this.steps.get(role);
    // A second connection for what is there already, as with a HEAD request, takes nothing away.
    if (known?.isComplete === true && !isComplete) return false;
    const sent = Math.min(event.sent, size);
    const at = known?.at ?? now;
    this.#step({ name: role, at, text: name, sent, size, rate: event.rate ?? 0, isComplete });
    // The script that sends a machine to its disk is fetched, too.
    if (["seen", "asking", "stalled"].includes(this.state)) this.state = "booting";
    const isDone = this.#awaited.every((it) => this.steps.get(it)?.isComplete === true);
    return isComplete && isDone && this.#awaited.includes(role) && this.state === "booting";
  }

  /** Firmware asks more than once, and iPXE asks again; but neither does after the script. */
  #isAnotherBoot(isOfFirmware: boolean, now: number): boolean {
    const isUnderWay = this.state === "asking" || this.state === "booting";
    if (!isUnderWay) return true;
    return isOfFirmware && (this.steps.has("script") || now - this.lastSeenAt > pause);
  }

  #begin(now: number): void {
    this.steps.clear();
    this.begunAt = now;
    this.#awaited = [];
  }

  #step(step: Step): void {
    this.steps.set(step.name, step);
  }

  #log(event: MachineEvent, at: number): void {
    this.events.push({ at, event });
    if (this.events.length > mostEvents) this.events.shift();
  }
}
