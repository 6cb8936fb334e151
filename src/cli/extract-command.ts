import { Command } from "commander";
import type { ExtractResult } from "../extract/index.js";
import { NetbootError } from "../support/index.js";
import { CommandFailure } from "./command-failure.js";
import { createReporter } from "./create-reporter.js";
import { addRegistryOptions, type RegistryFlags, registryAccess } from "./registry-options.js";
import { reportEvent } from "./serve-command.js";
import { withSignals } from "./signals.js";

const examples = `
Examples:
  The files of a release, for this machine's architecture:
    $ kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3 -o out/
  For another architecture:
    $ kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-arm64-generic-v3.2.3 \\
        --platform linux/arm64 -o out/
  An image that a build has left in a directory:
    $ kairos-netboot extract oci:build/image:latest -o out/
  Smaller, and slower to make:
    $ kairos-netboot extract IMAGE -o out/ --compression xz
  And boot the machines of this network from them, until Ctrl-C:
    $ sudo kairos-netboot extract IMAGE -o out/ --serve
  From a registry that wants a password, through a mirror:
    $ kairos-netboot extract IMAGE -o out/ --username robot --password-stdin < secret \\
        --mirror quay.io=mirror.lan:5000
  In a pipeline:
    $ kairos-netboot extract IMAGE -o out/ --json | jq -r 'select(.type == "result").files[]'

The directory is made, or replaced as a whole, when everything is complete and verified. It then
holds NAME-kernel, NAME-initrd, NAME.squashfs, netboot.json and SHA256SUMS. Where it holds just
that already, nothing is done.

Downloads that break off go on where they stopped, also in the next run. What was downloaded is
kept: see kairos-netboot cache --help.

Credentials are those of docker login and podman login, certificates those of certs.d, mirrors those
of registries.conf and the options; HTTPS_PROXY, HTTP_PROXY and NO_PROXY name proxies.`;

interface Flags extends RegistryFlags {
  /** Checked here and not by commander, which would complain of it before a mistyped option. */
  output?: string;
  platform?: string;
  name?: string;
  kernel?: string;
  initrd?: string;
  compression: string;
  blockSize: string;
  cacheDir?: string;
  cache: boolean;
  retryFor: string;
  jobs?: string;
  force?: boolean;
  serve?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export function extractCommand(): Command {
  const command = new Command("extract")
    .summary("make kernel, initrd and squashfs from an image")
    .description(
      "Pulls a Kairos container image layer by layer, takes out kernel and initrd, and builds the squashfs of its root file system. Needs no daemon and no root.",
    )
    .argument("<image>", "registry reference (quay.io/kairos/…:tag), or oci:DIR[:TAG]")
    .option("-o, --output <dir>", "directory to make (required)")
    .option("--platform <platform>", "linux/ARCH[/VARIANT] (default: this machine's)")
    .option("--name <name>", "common part of the file names (default: from the image)")
    .option("--kernel <path>", "kernel inside the image (default: the one that /boot means)")
    .option("--initrd <path>", "initrd inside the image (default: the one that /boot means)")
    .option("--compression <codec>", "zstd, gzip, xz, lz4 or lzo, and :LEVEL", "zstd:3")
    .option("--block-size <size>", "of the squashfs: 4K to 1M", "1M")
    .option("--cache-dir <dir>", "where downloads are kept (default: ~/.cache/kairos-netboot)")
    .option("--no-cache", "keep no downloads")
    .option("--retry-for <time>", "how long what fails is tried again: 90s, 2h, or 0", "5m")
    .option("--jobs <n>", "layers to fetch at once, processors to compress with (default: all)")
    .option("--force", "make the files again, also where they are there already")
    .option("--serve", "then do what serve does with the directory, and no options")
    .option("-q, --quiet", "print nothing but the result and errors")
    .option("-v, --verbose", "tell more, and where an error comes from")
    .option("--json", "print JSON lines on standard output")
    .helpOption("-h, --help", "explain the options")
    .addHelpText("after", examples)
    .action(run);
  return addRegistryOptions(command);
}

async function run(image: string, flags: Flags): Promise<void> {
  const reporter = await createReporter(flags);
  const { extract } = await import("../extract/index.js");
  const { quiet, verbose, json, serve, cacheDir, jobs, output, ...rest } = flags;
  try {
    if (output === undefined) throw outputMissing();
    const registry = await registryAccess(flags);
    // Before the long work, not after it.
    if (serve) await ensureServing(output);
    const result = await withSignals((signal) =>
      extract({
        image,
        output,
        ...rest,
        cacheDirectory: cacheDir,
        registry,
        // What is no number is refused where all options are checked.
        jobs: jobs === undefined ? undefined : Number(jobs),
        signal,
        onEvent: (event) => reporter.event(event),
      }),
    );
    reporter.done(result);
    reporter.stop();
    printResult(result, flags);
    if (serve) await serveResult(result, flags);
  } catch (error) {
    reporter.stop();
    throw new CommandFailure(error, flags);
  }
}

async function ensureServing(directory: string): Promise<void> {
  const { requirePorts } = await import("../boot-server/index.js");
  await requirePorts({ directories: [directory] });
}

/** As `serve DIR` would. */
async function serveResult({ directory }: ExtractResult, flags: Flags): Promise<void> {
  const { serve } = await import("../boot-server/index.js");
  await withSignals((signal) =>
    serve({
      directories: [directory],
      signal,
      onEvent: (event) => reportEvent(event, flags),
    }),
  );
}

function outputMissing(): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    "The option --output is missing: where shall the files go?",
    "Name a directory: -o out/",
  );
}

function printResult(result: ExtractResult, { json }: Flags): void {
  const { description, directory, paths: files, isUnchanged: unchanged } = result;
  const { name, source } = description;
  const line = { type: "result", name, directory, unchanged, source, files };
  process.stdout.write(json ? `${JSON.stringify(line)}\n` : `${Object.values(files).join("\n")}\n`);
}
