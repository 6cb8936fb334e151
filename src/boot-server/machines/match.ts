import type { Machine } from "./machine.js";
import type { MachineMatch } from "./rules.js";

type Certainty = "yes" | "no" | "perhaps";

/** Whether a machine is meant; `perhaps` where it has not said yet what that depends on. */
export function howWell(
  { mac, uuid, serial, architecture }: MachineMatch,
  machine: Machine,
): Certainty {
  if (mac !== undefined && !mac.some((pattern) => pattern.matches(machine.mac))) return "no";
  const parts = [
    oneOf(uuid, machine.uuid),
    oneOf(serial, machine.serial),
    oneOf(architecture, machine.architecture),
  ];
  if (parts.includes("no")) return "no";
  return parts.includes("perhaps") ? "perhaps" : "yes";
}

function oneOf(wanted: readonly string[] | undefined, actual: string | undefined): Certainty {
  if (wanted === undefined) return "yes";
  if (actual === undefined) return "perhaps";
  return wanted.includes(actual) ? "yes" : "no";
}
