import type { ExtractResult } from "../../extract/index.js";

/** The result for a program: a JSON object in one line. */
export function resultLine({ description, directory, paths, isUnchanged }: ExtractResult): string {
  const { name, source } = description;
  const line = { type: "result", name, directory, unchanged: isUnchanged, source, files: paths };
  return `${JSON.stringify(line)}\n`;
}

/** The result for a person and for a shell: a path a line. */
export function resultPaths({ paths }: ExtractResult): string {
  return `${Object.values(paths).join("\n")}\n`;
}
