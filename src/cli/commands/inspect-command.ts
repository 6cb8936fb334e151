import { Command } from "commander";
import { sanitize } from "../../support/index.js";
import { inspectionLines } from "../format/format-inspection.js";
import { CommandFailure } from "./command-failure.js";
import { addRegistryOptions, type RegistryFlags, registryAccess } from "./registry-options.js";
import { withSignals } from "./signals.js";

const examples = `
Examples:
  What an image is, what is in it, and what extract would make of it:
    $ kairos-netboot inspect quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3
  In a pipeline:
    $ kairos-netboot inspect IMAGE --json | jq -r .name
  Whether extract would take it:
    $ kairos-netboot inspect IMAGE --json | jq -e '.problems == []'

Layers are fetched from the top down, and only as many as it takes. They are kept, and extract does
not fetch them again. Sizes of what will come out, and of memory, are estimates.`;

interface Flags extends RegistryFlags {
  platform?: string;
  cacheDir?: string;
  cache: boolean;
  retryTimeout?: string;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export function inspectCommand(): Command {
  const command = new Command("inspect")
    .summary("tell what an image is, and what extract would make of it")
    .description(
      "Tells an image's digest, platforms, layers, Kairos release, kernel and initrd, and estimates what comes out of it, without writing anything. Fetches as little as it can.",
    )
    .argument("<image>", "as for extract")
    .option("--platform <platform>", "linux/ARCH[/VARIANT] (default: this machine's)")
    .option("--cache-dir <dir>", "where downloads are kept (default: ~/.cache/kairos-netboot)")
    .option("--no-cache", "keep no downloads")
    .option("--retry-timeout <time>", "how long a registry that fails is asked again (default: 5m)")
    .option("-q, --quiet", "print nothing but the result and errors")
    .option("-v, --verbose", "tell more, and where an error comes from")
    .option("--json", "print what is known as JSON")
    .helpOption("-h, --help", "explain the options")
    .addHelpText("after", examples)
    .action(run);
  return addRegistryOptions(command);
}

async function run(image: string, flags: Flags): Promise<void> {
  const { platform, cacheDir: cacheDirectory, cache, retryTimeout, quiet, verbose, json } = flags;
  try {
    const registry = await registryAccess(flags);
    const { inspect } = await import("../../inspect/index.js");
    const inspection = await withSignals((signal) =>
      inspect({
        image,
        platform,
        cacheDirectory,
        cache,
        retryTimeout,
        registry,
        signal,
        onEvent: ({ level, text }) => {
          if (quiet || (json && level === "info") || (level === "detail" && !verbose)) return;
          const line = level === "warning" ? `Warning: ${text}` : text;
          process.stderr.write(`${sanitize(line)}\n`);
        },
      }),
    );
    const lines = json ? [JSON.stringify(inspection)] : inspectionLines(inspection);
    process.stdout.write(`${lines.join("\n")}\n`);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}
