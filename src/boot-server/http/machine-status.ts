import type { BootSession, BootStep } from "../events/boot-session.js";
import type { MachineEvent } from "../events/events.js";
import type { Decision } from "../machines/boot-policy.js";
import type { Machine } from "../machines/machine.js";

/** Serial number and UUID are left out: rules go by them, and they are harder to guess than to read. */
type Seen = Omit<Machine, "serial" | "uuid" | "hasSaidAll">;

export function seenOf({ mac, architecture, ip, hostname }: Machine): Seen {
  return { mac, architecture, ip, hostname };
}

/** One machine, as `/api/machines` tells of it. Nothing that a cloud-config holds is in it. */
export interface MachineStatus extends Seen {
  readonly state: string;
  readonly release: string | undefined;
  /** Why it is treated as it is: sentences. */
  readonly reasons: readonly string[];
  /** ISO 8601. */
  readonly begunAt: string;
  readonly lastSeenAt: string;
  readonly steps: readonly StepStatus[];
}

export interface StepStatus {
  readonly step: string;
  readonly at: string;
  readonly text: string;
  /** Bytes that were sent, bytes of the whole, and bytes a second. */
  readonly sent?: number | undefined;
  readonly size?: number | undefined;
  readonly rate?: number | undefined;
  readonly percent?: number | undefined;
  readonly isComplete?: boolean | undefined;
}

/** All that is known of one machine, as `/api/machines/MAC` tells of it. */
export type MachineReport = (MachineStatus | UnknownMachine) & {
  /** Only for those who ask from the server's own machine. */
  readonly serial?: string | undefined;
  readonly uuid?: string | undefined;
  /** What it would get now. */
  readonly decision: {
    readonly kind: Decision["kind"];
    readonly release: string | undefined;
    readonly reasons: readonly string[];
  };
  /** The last ones, oldest first. */
  readonly events: readonly (MachineEvent & { readonly time: string })[];
};

export type UnknownMachine = Seen & { readonly state: "unheard-of" };

export function machineStatus(machine: Machine, session: BootSession): MachineStatus {
  return {
    ...seenOf(machine),
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

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
