import type { BootSession, BootStep } from "../events/boot-session.js";
import type { MachineEvent } from "../events/events.js";
import type { Decision } from "../machines/boot-policy.js";
import type { Machine } from "../machines/machine.js";
import { type MachineFact, publicFacts } from "../machines/machine-facts.js";

type PublicFacts = { readonly mac: string } & {
  readonly [Fact in Exclude<MachineFact, "mac">]?: string | undefined;
};

/** A machine in the answer of `/api/machines`. It contains nothing from a cloud-config. */
export interface MachineStatus extends PublicFacts {
  readonly state: string;
  readonly release: string | undefined;
  /** The reasons of the latest decision: sentences. */
  readonly reasons: readonly string[];
  /** ISO 8601. */
  readonly begunAt: string;
  readonly lastSeenAt: string;
  readonly steps: readonly StepStatus[];
}

export interface StepStatus {
  readonly step: string;
  /** ISO 8601. */
  readonly at: string;
  readonly text: string;
  /** Bytes that were sent, bytes of the whole file, and bytes per second. */
  readonly sent?: number | undefined;
  readonly size?: number | undefined;
  readonly rate?: number | undefined;
  readonly percent?: number | undefined;
  readonly isComplete?: boolean | undefined;
}

/** The answer of `/api/machines/MAC`. Only this server's host gets the facts that are not public. */
export type MachineReport = (MachineStatus | UnknownMachine) & {
  /** The decision that the machine would get now. */
  readonly decision: {
    readonly kind: Decision["kind"];
    readonly release: string | undefined;
    readonly reasons: readonly string[];
  };
  /** The latest events, oldest first. */
  readonly events: readonly (MachineEvent & { readonly time: string })[];
};

/** A machine that the server has not heard of since it started. */
export interface UnknownMachine extends PublicFacts {
  readonly state: "unheard-of";
}

export function publicFactsOf(machine: Machine): PublicFacts {
  const facts = publicFacts.map((fact) => [fact, machine[fact]]);
  return { ...Object.fromEntries(facts), mac: machine.mac };
}

export function machineStatus(machine: Machine, session: BootSession): MachineStatus {
  return {
    ...publicFactsOf(machine),
    state: session.state,
    release: session.release,
    reasons: session.reasons,
    begunAt: isoTime(session.begunAt),
    lastSeenAt: isoTime(session.lastSeenAt),
    steps: [...session.steps.values()].map(stepStatus),
  };
}

function stepStatus({ name, at, text, sent, size, rate, isComplete }: BootStep): StepStatus {
  const percent = size ? Math.floor((100 * (sent ?? 0)) / size) : undefined;
  return { step: name, at: isoTime(at), text, sent, size, rate, percent, isComplete };
}

/** @param milliseconds since 1970 */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
