import type { Machine } from "./machine.js";

/** What `${machine.…}` can name in a cloud-config. */
export const variables = ["mac", "ip", "uuid", "serial", "hostname"] as const;

type Variable = (typeof variables)[number];

const reference = /\$\{machine\.([^}]*)\}/g;

/** Names in a text that are no variables. */
export function unknownVariables(text: string): string[] {
  const names = [...text.matchAll(reference)].map(([, name]) => name!);
  return names.filter((name) => !(variables as readonly string[]).includes(name));
}

/**
 * Puts what is known of a machine in the place of `${machine.mac}` and the like, which no shell
 * would read as its own. Machines say what they like: characters that have a meaning in YAML or a
 * shell become hyphens. What is not known is left empty; the host name is the hardware address then.
 */
export function expandVariables(
  text: string,
  machine: Machine,
  encode: (value: string) => string = harmless,
): string {
  return text.replaceAll(reference, (_, name: Variable) => encode(valueFor(machine, name)));
}

function valueFor(machine: Machine, name: Variable): string {
  return machine[name] ?? (name === "hostname" ? machine.mac.replaceAll(":", "-") : "");
}

function harmless(value: string): string {
  return value.replace(/[^\w.:+/@ -]/g, "-");
}
