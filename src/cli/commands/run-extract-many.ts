import { type ExtractManyOptions, extractMany, type ImageOutcome } from "../../extract/index.js";
import { formatBytes, NetbootError, sanitize } from "../../support/index.js";
import { formatColumns } from "../format/format-table.js";
import { formatFailureLine, formatResultLine, formatResultPaths } from "../format/json-lines.js";
import { reporterFactory } from "../reporters/create-reporter.js";
import type { Reporter } from "../reporters/reporter.js";

interface Flags {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/**
 * Extracts several images, and prints the outcome of each at the end.
 * @throws NetbootError IMAGES_FAILED if an image failed, and the errors of `extractMany`
 */
export async function runMany(options: ExtractManyOptions, flags: Flags): Promise<void> {
  const newReporter = await reporterFactory(flags);
  const total = new Set(options.images).size;
  let number = 0;
  let reporter: Reporter | undefined;
  const outcomes: ImageOutcome[] = [];
  await extractMany({
    ...options,
    observe: (image) => {
      number += 1;
      if (!flags.quiet && !flags.json) say(`\n[${number}/${total}] ${image}`);
      reporter = newReporter();
      return (event) => reporter?.event(event);
    },
    onOutcome: (outcome) => {
      if ("result" in outcome) reporter?.done(outcome.result);
      reporter?.stop();
      outcomes.push(outcome);
      reportOutcome(outcome, flags);
    },
  }).finally(() => {
    reporter?.stop();
    if (outcomes.length > 0 && !flags.quiet && !flags.json) say(`\n${formatTable(outcomes)}`);
  });
  const failed = outcomes.filter((outcome) => "error" in outcome);
  if (failed.length === 0) return;
  throw new NetbootError(
    "IMAGES_FAILED",
    `${failed.length} of ${outcomes.length} images failed.`,
    "Run the same command again: it skips images that are complete.",
  );
}

function reportOutcome(outcome: ImageOutcome, { json }: Flags): void {
  if ("result" in outcome) {
    const { result } = outcome;
    process.stdout.write(json ? formatResultLine(result) : formatResultPaths(result));
    return;
  }
  const { image, error } = outcome;
  if (json) process.stdout.write(formatFailureLine(image, error));
  else say(`${image} failed: ${error.message}\n  ${error.hint}`);
}

/** One line per image. */
function formatTable(outcomes: readonly ImageOutcome[]): string {
  const rows = outcomes.map((each) => [each.image, statusOf(each), detailOf(each)]);
  return formatColumns(rows).join("\n");
}

function statusOf(outcome: ImageOutcome): string {
  if ("error" in outcome) return "failed";
  return outcome.result.isUnchanged ? "unchanged" : "made";
}

function detailOf(outcome: ImageOutcome): string {
  if ("error" in outcome) return outcome.error.message;
  const files = Object.values(outcome.result.description.files);
  const total = formatBytes(files.reduce((sum, { size }) => sum + size, 0));
  const time = outcome.result.isUnchanged ? "" : ` in ${outcome.seconds.toFixed(1)} s`;
  return `${outcome.directory}, ${total}${time}`;
}

function say(text: string): void {
  process.stderr.write(`${text.split("\n").map(sanitize).join("\n")}\n`);
}
