import { errorCodes, exitStatuses } from "../../src/support/index.js";
import { formatTable, generatedNotice, joinBlocks } from "./markdown.js";

/** docs/reference/error-codes.md */
export function errorCodesPage(): string {
  const statuses = Object.entries(exitStatuses);
  return joinBlocks([
    "# Exit statuses and error codes",
    generatedNotice,
    "Each error has one sentence that says what is wrong, one that says what to do, and a code. `--json` prints the same as JSON: see [Events](events.md). Codes are stable, so that scripts can depend on them.",
    formatTable(
      ["Exit status", "Meaning"],
      statuses.map(([status, meaning]) => [`\`${status}\``, meaning]),
    ),
    ...statuses.flatMap(([status, meaning]) => formatStatus(Number(status), meaning)),
  ]);
}

function formatStatus(status: number, meaning: string): string[] {
  const rows = Object.entries(errorCodes)
    .filter(([, { exitStatus }]) => exitStatus === status)
    .map(([code, row]) => [`\`${code}\``, row.meaning, row.action]);
  if (rows.length === 0) return [];
  return [
    `## Exit status ${status}: ${meaning}`,
    formatTable(["Code", "Meaning", "What to do"], rows),
  ];
}
