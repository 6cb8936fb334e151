import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isFileName } from "../artifacts/index.js";
import { tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

/** Checks that the directory contains each file that the script names. */
export async function* checkScript(
  directory: string,
  script: string | undefined,
): AsyncGenerator<Check> {
  if (script === undefined) {
    yield unchecked("script", "there is no iPXE script");
    return;
  }
  const bytes = await tryReadSmallFile(join(directory, script));
  if (bytes === undefined) {
    yield failed("script", `${script} cannot be read`);
    return;
  }
  const text = bytes.toString("utf8");
  if (!/^#!ipxe\s/.test(text)) {
    yield failed("script", `${script} does not begin with #!ipxe`);
    return;
  }
  const names = findReferences(text);
  const missing: string[] = [];
  for (const name of names) {
    const file = isFileName(name)
      ? await stat(join(directory, name)).catch(() => undefined)
      : undefined;
    if (!file?.isFile()) missing.push(name);
  }
  if (missing.length > 0) {
    yield failed(
      "script",
      `${script} names files that do not exist: ${missing.slice(0, 5).join(", ")}`,
    );
  } else if (names.size === 0) {
    yield failed("script", `${script} names no files`);
  } else {
    yield ok("script", `${script} names files that exist: ${[...names].join(", ")}`);
  }
}

/**
 * Names of the files that an iPXE script fetches or makes the initrd fetch: the last segments of URLs,
 * whatever `${url}` is.
 */
function findReferences(text: string): Set<string> {
  const variables = new Map<string, string>();
  const names = new Set<string>();
  const note = (word: string) => {
    const name = lastSegment(expand(word, variables));
    if (name !== "") names.add(name);
  };
  for (const line of text.split("\n")) {
    // The command for the case that another one fails is on the same line.
    for (const command of line.split(/\s(?:\|\||&&)\s/)) {
      const words = command.trim().split(/\s+/);
      const [verb, first, ...rest] = words;
      if (verb === "set" && first !== undefined) {
        const value = rest.join(" ");
        variables.set(first, value);
        // A value without a scheme is a file beside the others.
        if (first === "config" && !/^\w+:\/\//.test(value)) note(value);
      }
      if (verb === undefined || !fetching.has(verb)) continue;
      const address = words.slice(1).find((word, at, all) => !isOption(word, all[at - 1]));
      if (address !== undefined) note(address);
      for (const word of command.match(/\broot=live:\S+/g) ?? [])
        note(word.slice("root=live:".length));
    }
  }
  return names;
}

const fetching = new Set(["kernel", "initrd", "imgfetch", "imgselect", "module", "boot"]);

/** True for the options of iPXE's image commands and their values: `--name NAME`, `-n NAME`. */
function isOption(word: string, before: string | undefined): boolean {
  return word.startsWith("-") || /^(?:-n|--name|-t|--timeout)$/.test(before ?? "");
}

function expand(word: string, variables: ReadonlyMap<string, string>): string {
  return word.replace(
    /\$\{([\w-]+)(?::\w+)?\}/g,
    (whole, name: string) => variables.get(name) ?? whole,
  );
}

function lastSegment(address: string): string {
  const name = address.replace(/[?#].*$/, "").replace(/^.*[/}]/, "");
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
