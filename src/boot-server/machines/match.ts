import type { Machine } from "./machine.js";
import { type MatcherKey, matchers } from "./machine-facts.js";
import type { ValuePattern } from "./value-pattern.js";

/** Conditions on a machine: for every given key, at least one pattern has to match. */
export type MachineMatch = {
  readonly [Key in MatcherKey]?: readonly ValuePattern[] | undefined;
};

type MatchResult = "yes" | "no" | "unknown";

/** The result is "unknown" if it depends on a fact that the machine has not reported yet. */
export function matchMachine(match: MachineMatch, machine: Machine): MatchResult {
  let result: MatchResult = "yes";
  for (const key of matchers.keys()) {
    const patterns = match[key];
    if (patterns === undefined) continue;
    const value = machine[key];
    if (value === undefined) result = "unknown";
    else if (!patterns.some((pattern) => pattern.matches(value))) return "no";
  }
  return result;
}
