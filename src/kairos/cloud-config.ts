import { readFile, stat } from "node:fs/promises";
import { parseDocument } from "yaml";
import { NetbootError, systemCode } from "../support/index.js";

const largest = 4 * 1024 * 1024;

/**
 * Reads a cloud-config and looks whether it is one.
 * @throws NetbootError CLOUD_CONFIG_INVALID
 */
export async function readCloudConfig(path: string): Promise<Buffer> {
  const { size = 0 } = await stat(path).catch(() => ({ size: 0 }));
  if (size > largest) throw tooLarge(path);
  const bytes = await readFile(path).catch((cause: unknown) => {
    const reason = systemCode(cause) ?? String(cause);
    throw invalid(
      `The cloud-config ${path} cannot be read (${reason}).`,
      "Name a file that can be read.",
      cause,
    );
  });
  if (bytes.length > largest) throw tooLarge(path);
  const text = bytes.toString("utf8");
  if (!/^#cloud-config[ \t]*(\r?\n|$)/.test(text)) {
    throw invalid(
      `The file ${path} does not begin with #cloud-config.`,
      "Put that in its first line, or name another file.",
    );
  }
  const [error] = parseDocument(text).errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    const [reason = ""] = error.message.split(/ at line |\n/);
    throw invalid(
      `The cloud-config ${path} is no YAML: line ${line}: ${reason.replace(/[.:]$/, "")}.`,
      "Mend that line.",
      error,
    );
  }
  return bytes;
}

function tooLarge(path: string): NetbootError {
  return invalid(`The cloud-config ${path} is larger than 4 MiB.`, "Name another file.");
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("CLOUD_CONFIG_INVALID", message, hint, { cause });
}
