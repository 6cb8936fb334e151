import type { ExtractResult, ResultPaths } from "../../extract/index.js";
import type { ErrorCode, EventDescriptions, NetbootError } from "../../support/index.js";

/** The lines that extract --json prints besides the events of the library, and the line of an error. */
export type ExtractLine = ResultLine | FailureLine | ErrorLine;

interface ResultLine {
  readonly type: "result";
  readonly name: string;
  readonly directory: string;
  readonly unchanged: boolean;
  readonly source: ExtractResult["description"]["source"];
  readonly files: ResultPaths;
}

interface FailureLine {
  readonly type: "failure";
  readonly image: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

interface ErrorLine {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly exitStatus: number;
}

const error = {
  code: ["string", "[Error code](error-codes.md)"],
  message: ["string", "One sentence that says what is wrong"],
  hint: ["string", "One sentence that says what to do"],
} as const;

/** The reference of the events is generated from this table. */
export const extractLineDescriptions: EventDescriptions<ExtractLine> = {
  result: {
    meaning: "An image was extracted.",
    fields: {
      name: ["string", "Name of the release, the common part of the file names"],
      directory: ["string", "Output directory as given"],
      unchanged: ["boolean", "True if the directory already contained this result"],
      source: ["object", "`reference`, `manifestDigest`, and `platform`, as in `netboot.json`"],
      files: ["object", "Path of each file: `kernel`, `initrd`, `squashfs`, `script`, …"],
    },
  },
  failure: {
    meaning: "One of several images failed; the command continues with the next one.",
    fields: { image: ["string", "Image reference"], ...error },
  },
  error: {
    meaning: "The command failed. This is its last line; every command with `--json` prints it.",
    fields: { ...error, exitStatus: ["number", "Exit status of the command"] },
  },
};

export function formatResultLine(result: ExtractResult): string {
  const { description, directory, paths, isUnchanged } = result;
  const { name, source } = description;
  return format({ type: "result", name, directory, unchanged: isUnchanged, source, files: paths });
}

export function formatFailureLine(image: string, { code, message, hint }: NetbootError): string {
  return format({ type: "failure", image, code, message, hint });
}

export function formatErrorLine({ code, message, hint, exitStatus }: NetbootError): string {
  return format({ type: "error", code, message, hint, exitStatus });
}

function format(line: ExtractLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** The paths of the files for a person or a shell, one on each line. */
export function formatResultPaths({ paths }: ExtractResult): string {
  return `${Object.values(paths).join("\n")}\n`;
}
