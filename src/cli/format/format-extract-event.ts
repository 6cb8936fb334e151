import type { ExtractEventOf, ExtractResult } from "../../extract/index.js";
import { formatBytes, sanitize } from "../../support/index.js";

export function formatImage({ reference, platform, layers }: ExtractEventOf<"image">): string {
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const count = layers.length === 1 ? "1 layer" : `${layers.length} layers`;
  return sanitize(`${reference} for ${platform}: ${count}, ${formatBytes(total)}`);
}

export function formatMessage({ level, text }: ExtractEventOf<"message">): string {
  return sanitize(level === "warning" ? `Warning: ${text}` : text);
}

/** @param seconds how long the job took */
export function formatResult(
  { directory, description, isUnchanged }: ExtractResult,
  seconds: number,
): string {
  const { name, files } = description;
  if (isUnchanged) {
    return sanitize(`${directory} already contains ${name} and is intact; nothing to do.`);
  }
  const total = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  return sanitize(`Made ${name} in ${directory}: ${formatBytes(total)} in ${seconds.toFixed(1)} s`);
}
