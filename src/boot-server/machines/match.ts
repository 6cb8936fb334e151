import type { Machine } from "./machine.js";
import type { MachineMatch } from "./rules.js";

type MatchResult = "yes" | "no" | "perhaps";

/** Whether a machine is meant; `perhaps` where it has not said yet what that depends on. */
export function matchMachine(
  { mac, uuid, serial, architecture }: MachineMatch,
  machine: Machine,
): MatchResult {
  if (mac !== undefined && !mac.some((pattern) => pattern.matches(machine.mac))) return "no";
  const parts = [
    oneOf(uuid, machine.uuid),
    oneOf(serial, machine.serial),
    oneOf(architecture, machine.architecture),
  ];
  if (parts.includes("no")) return "no";
  return parts.includes("perhaps") ? "perhaps" : "yes";
}

function oneOf(wanted: readonly string[] | undefined, actual: string | undefined): MatchResult {
  if (wanted === undefined) return "yes";
  if (actual === undefined) return "perhaps";
  return wanted.includes(actual) ? "yes" : "no";
}
