import type { Machine } from "./machine.js";
import { type MachineFact, templateVariables } from "./machine-facts.js";

const reference = /\$\{machine\.([^}]*)\}/g;

/** The names of variables in a text that do not exist. */
export function unknownVariables(text: string): string[] {
  const names = [...text.matchAll(reference)].map(([, name = ""]) => name);
  return names.filter((name) => !isVariable(name));
}

/**
 * Replaces `${machine.mac}` and the other variables; a shell would not accept these names as its own
 * variables. Machines can report any text, so characters with a meaning in YAML or a shell become
 * hyphens. An unknown fact becomes empty; an unknown host name becomes the MAC address.
 */
export function expandVariables(
  text: string,
  machine: Machine,
  encode: (value: string) => string = replaceSpecialCharacters,
): string {
  return text.replaceAll(reference, (whole, name: string) =>
    isVariable(name) ? encode(valueFor(machine, name)) : whole,
  );
}

function isVariable(name: string): name is MachineFact {
  return (templateVariables as readonly string[]).includes(name);
}

function valueFor(machine: Machine, name: MachineFact): string {
  return machine[name] ?? (name === "hostname" ? machine.mac.replaceAll(":", "-") : "");
}

function replaceSpecialCharacters(value: string): string {
  return value.replace(/[^\w.:+/@ -]/g, "-");
}
