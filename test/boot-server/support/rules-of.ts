import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootPolicy, type Decision } from "../../../src/boot-server/machines/boot-policy.js";
import { loadRules } from "../../../src/boot-server/machines/load-rules.js";
import type { Machine } from "../../../src/boot-server/machines/machine.js";
import type { Rules } from "../../../src/boot-server/machines/rules.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { releaseNamed } from "./releases.js";

export const releases = [
  releaseNamed("stable"),
  releaseNamed("edge"),
  releaseNamed("arm", "arm64"),
];
export const mac = "52:54:00:aa:bb:01";
export const amd64: Machine = { mac, architecture: "amd64" };

/** A machines file with one entry. */
export const own = (words: string) => `machines: [{ match: { mac: "${mac}" }, ${words} }]\n`;

/** Loads a machines file, and the files that it names. */
export async function rulesOf(
  directory: string,
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Rules> {
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
  const machinesFile = join(directory, "machines.yaml");
  await writeFile(machinesFile, text);
  const programs = await BootPrograms.find([directory]);
  const sources = { machinesFile, defaults: {}, cloudConfig: undefined, releases, programs };
  return loadRules(sources);
}

/** The decision about a machine according to a machines file. */
export async function decide(
  directory: string,
  text: string,
  machine: Machine,
  bootedAt?: Date,
): Promise<Decision> {
  const rules = await rulesOf(directory, text);
  const lists = { allow: [], deny: [] };
  return new BootPolicy({ ...lists, rules: () => rules, bootedAt: () => bootedAt }).decide(machine);
}

/** A decision in one word: the name of the release, or the kind. */
export function outcome(decision: Decision): string {
  return decision.kind === "netboot" ? decision.release.name : decision.kind;
}
