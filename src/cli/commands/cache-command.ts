import { Command } from "commander";
import type { CachedFile, ListedFile } from "../../sources/index.js";
import { formatBytes, NetbootError, parseDuration, parseSize } from "../../support/index.js";
import { cacheLines, cacheTotal, fileLine } from "../format/format-cache.js";
import { CommandFailure } from "./command-failure.js";
import { withSignals } from "./signals.js";

const examples = `
Examples:
  What is there, the last used first:
    $ kairos-netboot cache ls
  Remove what was not used for 30 days:
    $ kairos-netboot cache prune
  Keep 20 GB, of what was used last:
    $ kairos-netboot cache prune --max-size 20G
  Empty it:
    $ kairos-netboot cache prune --max-size 0
  After a power cut, or when a disk is in doubt:
    $ kairos-netboot cache verify

What a running process uses is never removed, whether it runs here or in a container that shares the
directory. All of the cache can be fetched again.`;

const pruneExamples = `
Examples:
  $ kairos-netboot cache prune --older-than 12h --dry-run
  $ kairos-netboot cache prune --older-than 90d --max-size 50G

Times are 90s, 5m, 12h, 30d or 2w; sizes 500M or 20G (powers of 1000), or 20GiB (of 1024).`;

const defaultAge = "30d";

interface Flags {
  cacheDir?: string;
  json?: boolean;
  verbose?: boolean;
}

interface PruneFlags extends Flags {
  olderThan?: string;
  maxSize?: string;
  dryRun?: boolean;
}

export function cacheCommand(): Command {
  return new Command("cache")
    .summary("look at, prune and verify what was downloaded")
    .description(
      "Looks after the layers and manifests that extract keeps, so as to fetch them once.",
    )
    .helpOption("-h, --help", "explain the commands")
    .helpCommand(false)
    .addHelpText("after", examples)
    .addCommand(
      part("ls", "list what is there, the last used first").action((flags) =>
        reported(flags, () => list(flags)),
      ),
    )
    .addCommand(
      part("prune", "remove what was not used for long, or is too much")
        .option(
          "--older-than <time>",
          `not used for so long (default: ${defaultAge}, without --max-size)`,
        )
        .option("--max-size <size>", "keep so much, of what was used last")
        .option("-n, --dry-run", "remove nothing, say what would go")
        .addHelpText("after", pruneExamples)
        .action((flags) => reported(flags, () => prune(flags))),
    )
    .addCommand(
      part("verify", "read it all, and remove what is damaged; it is fetched again").action(
        (flags) => reported(flags, () => verify(flags)),
      ),
    );
}

function part(name: string, description: string): Command {
  return new Command(name)
    .summary(description)
    .description(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`)
    .option("--cache-dir <dir>", "the cache (default: ~/.cache/kairos-netboot)")
    .option("-v, --verbose", "tell where an error comes from")
    .option("--json", "print JSON lines")
    .helpOption("-h, --help", "explain the options");
}

async function reported(flags: Flags, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

async function list({ cacheDir, json }: Flags): Promise<void> {
  const { listCache } = await import("../../sources/index.js");
  const directory = await cacheDirectory(cacheDir);
  const files = await listCache(directory);
  if (json) {
    for (const file of files) print({ type: "blob", ...membersOf(file) });
    print({ type: "total", directory, ...cacheTotal(files) });
  } else {
    process.stdout.write(`${cacheLines(directory, files, new Date()).join("\n")}\n`);
  }
}

async function prune({ cacheDir, json, dryRun, ...flags }: PruneFlags): Promise<void> {
  const { pruneCache } = await import("../../sources/index.js");
  const directory = await cacheDirectory(cacheDir);
  const age = flags.olderThan ?? (flags.maxSize === undefined ? defaultAge : undefined);
  const {
    removed,
    inUse,
    remainingBytes: left,
  } = await pruneCache(directory, {
    olderThanMs: age === undefined ? undefined : parseDuration(age, "--older-than"),
    maxSizeBytes: flags.maxSize === undefined ? undefined : parseSize(flags.maxSize, "--max-size"),
    dryRun: dryRun ?? false,
  });
  const freed = removed.reduce((sum, { size }) => sum + size, 0);
  if (json) {
    for (const file of removed)
      print({ type: "removed", dryRun: dryRun ?? false, ...membersOf(file) });
    for (const file of inUse) print({ type: "in-use", ...membersOf(file) });
    print({ type: "result", directory, freed, left });
    return;
  }
  const [verb, sum] = dryRun ? ["Would remove", "Would free"] : ["Removed", "Freed"];
  for (const file of removed) process.stdout.write(`${verb} ${fileLine(file)}\n`);
  for (const file of inUse) process.stdout.write(`In use: ${fileLine(file)}\n`);
  process.stdout.write(`${sum} ${formatBytes(freed)}; ${formatBytes(left)} left in ${directory}\n`);
}

async function verify({ cacheDir, json }: Flags): Promise<void> {
  const { verifyCache } = await import("../../sources/index.js");
  const directory = await cacheDirectory(cacheDir);
  const { intact, removed, inUse } = await withSignals((signal) =>
    verifyCache(directory, { signal }),
  );
  const damaged = [...removed, ...inUse];
  if (json) {
    for (const file of removed) print({ type: "damaged", removed: true, ...membersOf(file) });
    for (const file of inUse) print({ type: "damaged", removed: false, ...membersOf(file) });
    print({ type: "result", directory, intact, damaged: damaged.length });
  } else {
    for (const file of removed) process.stdout.write(`Damaged, removed: ${fileLine(file)}\n`);
    for (const file of inUse) process.stdout.write(`Damaged, in use: ${fileLine(file)}\n`);
    const count = intact === 1 ? "1 blob is" : `${intact} blobs are`;
    process.stdout.write(`${count} intact in ${directory}\n`);
  }
  if (damaged.length > 0) throw damage(damaged, inUse);
}

function damage(damaged: readonly CachedFile[], inUse: readonly CachedFile[]): NetbootError {
  const count = damaged.length === 1 ? "1 blob was" : `${damaged.length} blobs were`;
  return new NetbootError(
    "CACHE_DAMAGED",
    `${count} damaged.`,
    inUse.length > 0
      ? "Run this again when no other process uses the cache."
      : "They are fetched again when they are needed; check the disk if it happens often.",
  );
}

async function cacheDirectory(given: string | undefined): Promise<string> {
  const { defaultCacheDirectory } = await import("../../sources/index.js");
  if (given !== "") return given ?? defaultCacheDirectory();
  throw new NetbootError("USAGE_INVALID", "--cache-dir is empty.", "Name a directory.");
}

function membersOf(file: CachedFile | ListedFile) {
  const { digest, state, size, lastUsed } = file;
  const use = "isInUse" in file ? { inUse: file.isInUse } : {};
  return { digest, state, size, lastUsed: lastUsed.toISOString(), ...use };
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
