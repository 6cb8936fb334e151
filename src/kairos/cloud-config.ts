import { parseAllDocuments, type YAMLParseError } from "yaml";
import { NetbootError, readSmallFile, systemCode } from "../support/index.js";

const maxCloudConfigBytes = 4 * 1024 * 1024;
/** Kairos accepts a file if one of these is a line near its beginning (kairos-sdk, collector). */
const markers = ["#cloud-config", "#kairos-config", "#node-config"];
const markerLines = 10;

/**
 * Reads a cloud-config file and checks it.
 * @throws NetbootError CLOUD_CONFIG_INVALID
 */
export async function readCloudConfig(path: string): Promise<Buffer> {
  const bytes = await readSmallFile(path, maxCloudConfigBytes).catch((cause: unknown) => {
    const reason = systemCode(cause) ?? String(cause);
    throw reason === "EFBIG"
      ? invalid(`The cloud-config ${path} is larger than 4 MiB.`, "Name another file.", cause)
      : invalid(
          `The cloud-config ${path} cannot be read (${reason}).`,
          "Name a file that can be read.",
          cause,
        );
  });
  checkCloudConfig(bytes.toString("utf8"), path);
  return bytes;
}

/**
 * Checks that a text is a cloud-config as Kairos reads it: one of the first ten lines is a marker, and
 * the text is valid YAML. The variables `${machine.…}`, which `serve` replaces, may be anywhere.
 * @param path for the error message
 * @throws NetbootError CLOUD_CONFIG_INVALID
 */
export function checkCloudConfig(text: string, path: string): void {
  const firstLines = text.split("\n", markerLines).map((line) => line.trimEnd());
  if (!firstLines.some((line) => markers.includes(line))) {
    throw invalid(
      `The cloud-config ${path} has none of the lines ${markers.join(", ")} at its beginning.`,
      "Make #cloud-config its first line, or name another file.",
    );
  }
  const error = findYamlError(text.replaceAll(/\$\{machine\.[^}\n]*\}/g, "variable"));
  if (error === undefined) return;
  const line = error.linePos?.[0].line ?? 1;
  const [reason = ""] = error.message.split(/ at line |\n/);
  throw invalid(
    `The cloud-config ${path} is not valid YAML: line ${line}: ${reason.replace(/[.:]$/, "")}.`,
    "Fix that line.",
    error,
  );
}

function findYamlError(text: string): YAMLParseError | undefined {
  return parseAllDocuments(text).flatMap(({ errors }) => errors)[0];
}

function invalid(message: string, hint: string, cause?: unknown): NetbootError {
  return new NetbootError("CLOUD_CONFIG_INVALID", message, hint, { cause });
}
