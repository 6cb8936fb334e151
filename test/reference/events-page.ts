import { serveEventDescriptions } from "../../src/boot-server/index.js";
import { extractLineDescriptions } from "../../src/cli/format/json-lines.js";
import { extractEventDescriptions } from "../../src/extract/index.js";
import { formatTable, generatedNotice, joinBlocks } from "./markdown.js";

interface Description {
  readonly meaning: string;
  readonly fields: Readonly<Record<string, readonly [type: string, meaning: string]>>;
}

/** docs/reference/events.md */
export function eventsPage(): string {
  return joinBlocks([
    "# Events",
    generatedNotice,
    "With `--json`, `extract` and `serve` print one JSON object per line on standard output. The field `type` says which event it is. A type that ends in `?` marks a field that may be missing. New versions may add types and fields: ignore those that you do not know.",
    "The library reports the same events to `onEvent`, except `result`, `failure`, and `error`.",
    "## `extract`",
    ...formatDescriptions({ ...extractEventDescriptions, ...extractLineDescriptions }),
    "## `serve`",
    "Each line of `serve --json` also has the field `time`, in ISO 8601.",
    ...formatDescriptions(serveEventDescriptions),
  ]);
}

function formatDescriptions(descriptions: Readonly<Record<string, Description>>): string[] {
  return Object.entries(descriptions).flatMap(([type, { meaning, fields }]) => [
    `### \`${type}\``,
    meaning,
    formatTable(
      ["Field", "Type", "Meaning"],
      Object.entries(fields).map(([name, [fieldType, text]]) => [`\`${name}\``, fieldType, text]),
    ),
  ]);
}
