import type { FileRole } from "../files/served-file.js";
import type { FileTransfer, MachineEvent } from "./events.js";

const maxEvents = 30;
/** A machine that is booting and has been silent for this long has stalled. */
const stallTimeoutMs = 120_000;
/** Firmware that asks again after this much silence begins another boot, not another attempt. */
const retryWindowMs = 90_000;

/**
 * - `seen`: it got an address, or did something else that is not part of a boot
 * - `asking`: its firmware asked to be booted and was offered a boot program
 * - `booting`: it fetches files, or runs what it fetched
 * - `booted`: it fetched everything that it needs
 * - `stalled`: it was booting and has been silent for two minutes
 * - `disk`: it was sent to its disk
 * - `refused`: it was refused
 */
export type MachineState =
  | "seen"
  | "asking"
  | "booting"
  | "booted"
  | "stalled"
  | "disk"
  | "refused";

export interface BootStep {
  readonly name: "asked" | "offered" | FileRole;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The boot file that was offered, or the name of the file. */
  readonly text: string;
  /** Bytes that were sent, bytes of the whole file, and bytes per second; only for files. */
  readonly sent?: number;
  readonly size?: number;
  readonly rate?: number;
  readonly isComplete?: boolean;
}

export interface LoggedEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: MachineEvent;
}

/** How far a machine got with its boot. */
export class BootSession {
  readonly mac: string;
  state: MachineState = "seen";
  release: string | undefined;
  /** The reasons of the latest decision about the machine. */
  reasons: readonly string[] = [];
  /** The steps of the current or the last boot, by name. */
  readonly steps = new Map<BootStep["name"], BootStep>();
  readonly events: LoggedEvent[] = [];
  /** The start of the current boot, in milliseconds since 1970. */
  begunAt: number;
  /** Milliseconds since 1970. */
  lastSeenAt: number;
  /** The files that the machine has to fetch before it counts as booted. */
  #awaited: readonly FileRole[] = [];

  constructor(mac: string, now: number) {
    this.mac = mac;
    this.begunAt = now;
    this.lastSeenAt = now;
  }

  /** Sets the files that the machine has to fetch before it counts as booted. */
  expect(roles: readonly FileRole[]): void {
    this.#awaited = roles;
  }

  /** Sets these files for a boot that began in an earlier run of the server, unless some are known. */
  resume(release: string, roles: readonly FileRole[]): void {
    if (this.#awaited.length > 0) return;
    this.release = release;
    this.#awaited = roles;
  }

  /** True from the script until the machine has fetched everything, even if it stalled. */
  get isUnderWay(): boolean {
    return this.#awaited.length > 0 && (this.state === "booting" || this.state === "stalled");
  }

  /** @returns true if this event completes what the machine needs */
  add(event: MachineEvent, now: number): boolean {
    if (event.type !== "progress") this.#log(event, now);
    if (event.type !== "stalled" && event.type !== "offered") this.lastSeenAt = now;
    switch (event.type) {
      case "offered":
        this.#addOffer(event.bootFile, now);
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
        if (event.isNotable) this.#addRefusal(event.reason);
        return false;
      case "started":
      case "progress":
      case "sent":
        return this.#addTransfer(event, now);
      case "booted":
      case "stalled":
        this.state = event.type;
        return false;
    }
  }

  /** @returns the last step of a machine that is booting and has been silent for too long */
  stalledAfter(now: number): BootStep["name"] | undefined {
    if (this.state !== "booting" || now - this.lastSeenAt <= stallTimeoutMs) return undefined;
    return [...this.steps.values()].at(-1)?.name ?? "asked";
  }

  #addOffer(bootFile: string, now: number): void {
    const isFromFirmware = !bootFile.endsWith(".ipxe");
    if (this.#isNewBoot(isFromFirmware, now)) this.#begin(now);
    this.lastSeenAt = now;
    if (!this.steps.has("asked")) this.#addStep({ name: "asked", at: now, text: "" });
    this.#addStep({ name: "offered", at: now, text: bootFile });
    this.state = isFromFirmware ? "asking" : "booting";
  }

  #addRefusal(reason: string): void {
    if (!["seen", "asking", "refused"].includes(this.state)) return;
    this.state = "refused";
    this.reasons = [reason];
  }

  #addTransfer(event: FileTransfer & { type: string; rate?: number }, now: number): boolean {
    const { role, name, size } = event;
    const isComplete = event.type === "sent" && "isComplete" in event && event.isComplete === true;
    const known = this.steps.get(role);
    // A second connection for a complete file, such as one for a HEAD request, changes nothing.
    if (known?.isComplete === true && !isComplete) return false;
    const sent = Math.min(event.sent, size);
    const at = known?.at ?? now;
    this.#addStep({ name: role, at, text: name, sent, size, rate: event.rate ?? 0, isComplete });
    // Not after "disk": the script that sends a machine to its disk is also fetched.
    if (["seen", "asking", "stalled"].includes(this.state)) this.state = "booting";
    const hasAll = this.#awaited.every((it) => this.steps.get(it)?.isComplete === true);
    return isComplete && hasAll && this.#awaited.includes(role) && this.state === "booting";
  }

  /** Firmware asks several times, and iPXE asks again, but neither does so after the script. */
  #isNewBoot(isFromFirmware: boolean, now: number): boolean {
    const isUnderWay = this.state === "asking" || this.state === "booting";
    if (!isUnderWay) return true;
    return isFromFirmware && (this.steps.has("script") || now - this.lastSeenAt > retryWindowMs);
  }

  #begin(now: number): void {
    this.steps.clear();
    this.begunAt = now;
    this.#awaited = [];
  }

  #addStep(step: BootStep): void {
    this.steps.set(step.name, step);
  }

  #log(event: MachineEvent, at: number): void {
    this.events.push({ at, event });
    if (this.events.length > maxEvents) this.events.shift();
  }
}
