import { Command } from "commander";
import type { CachedFile, ListedFile } from "../../sources/index.js";
import {
  formatBytes,
  NetbootError,
  parseDuration,
  parseSize,
  usageError,
} from "../../support/index.js";
import { cacheTotal, formatCache, formatCachedFile } from "../format/format-cache.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    { title: "List the cached files", command: "kairos-netboot cache ls" },
    { title: "Remove files unused for 30 days", command: "kairos-netboot cache prune" },
    {
      title: "Keep the 20 GB that were used most recently",
      command: "kairos-netboot cache prune --max-size 20G",
    },
    { title: "Empty the cache", command: "kairos-netboot cache prune --max-size 0" },
    {
      title: "Check the files after a power failure or a disk error",
      command: "kairos-netboot cache verify",
    },
  ],
  notes: [
    "The command never removes a file that a running process uses, on this machine or in a container that shares the directory. extract fetches removed files again when it needs them.",
  ],
};

const pruneHelp: CommandHelp = {
  examples: [
    {
      title: "List files unused for 12 hours, without removing them",
      command: "kairos-netboot cache prune --older-than 12h --dry-run",
    },
    {
      title: "Remove files unused for 90 days, and more if the cache exceeds 50 GB",
      command: "kairos-netboot cache prune --older-than 90d --max-size 50G",
    },
  ],
  notes: [
    "Durations are 90s, 5m, 12h, 30d, or 2w. Sizes are 500M or 20G (powers of 1000), or 20GiB (powers of 1024).",
  ],
};

const lsHelp: CommandHelp = {
  examples: [
    { title: "List the cached files as JSON lines", command: "kairos-netboot cache ls --json" },
  ],
};

const verifyHelp: CommandHelp = {
  examples: [{ title: "Check all cached files", command: "kairos-netboot cache verify" }],
};

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
  const command = new Command("cache")
    .summary("list, prune, and verify downloaded layers")
    .description(
      "Manages the downloads that extract and inspect keep to avoid fetching them again.",
    )
    .helpCommand(false)
    .addCommand(lsCommand())
    .addCommand(pruneCommand())
    .addCommand(verifyCacheCommand());
  return addHelp(command, help);
}

function lsCommand(): Command {
  const command = addCommonOptions(new Command("ls"))
    .summary("list the cached files, most recently used first")
    .description("Lists the cached files, most recently used first.")
    .action((flags) => reported(flags, () => list(flags)));
  return addHelp(command, lsHelp);
}

function pruneCommand(): Command {
  const command = addCommonOptions(new Command("prune"))
    .summary("remove files that are old or exceed a total size")
    .description(
      "Removes files that have not been used for some time, or that exceed a total size.",
    )
    .option(
      "--older-than <time>",
      `remove files unused for this time (default: ${defaultAge}, unless --max-size is given)`,
    )
    .option("--max-size <size>", "keep at most this much, most recently used first")
    .option("-n, --dry-run", "print what would be removed, and remove nothing")
    .action((flags) => reported(flags, () => prune(flags)));
  return addHelp(command, pruneHelp);
}

function verifyCacheCommand(): Command {
  const command = addCommonOptions(new Command("verify"))
    .summary("check the cached files and remove damaged ones")
    .description(
      "Reads all cached files, compares them with their digests, and removes damaged ones. extract fetches them again.",
    )
    .action((flags) => reported(flags, () => verify(flags)));
  return addHelp(command, verifyHelp);
}

function addCommonOptions(command: Command): Command {
  return command
    .option("--cache-dir <dir>", "cache directory (default: ~/.cache/kairos-netboot)")
    .option("-v, --verbose", "print the causes of errors")
    .option("--json", "print JSON lines");
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
    process.stdout.write(`${formatCache(directory, files, new Date()).join("\n")}\n`);
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
  for (const file of removed) process.stdout.write(`${verb} ${formatCachedFile(file)}\n`);
  for (const file of inUse) process.stdout.write(`In use: ${formatCachedFile(file)}\n`);
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
    for (const file of removed)
      process.stdout.write(`Damaged, removed: ${formatCachedFile(file)}\n`);
    for (const file of inUse) process.stdout.write(`Damaged, in use: ${formatCachedFile(file)}\n`);
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
      ? "Run the same command again when no other process uses the cache."
      : "extract fetches them again when it needs them. If it happens often, check the disk.",
  );
}

async function cacheDirectory(given: string | undefined): Promise<string> {
  const { defaultCacheDirectory } = await import("../../sources/index.js");
  if (given !== "") return given ?? defaultCacheDirectory();
  throw usageError("--cache-dir is empty.", "Name a directory.");
}

function membersOf(file: CachedFile | ListedFile) {
  const { digest, state, size, lastUsed } = file;
  const use = "isInUse" in file ? { inUse: file.isInUse } : {};
  return { digest, state, size, lastUsed: lastUsed.toISOString(), ...use };
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
