import { Command } from "commander";
// Only these files: an index would load everything that a pull needs.
import { extractOptionTable } from "../../extract/extract-option-table.js";
import {
  type VerificationOptions,
  verificationOptionTable,
} from "../../signatures/verification-option-table.js";
import { sanitize } from "../../support/index.js";
import { formatInspection } from "../format/format-inspection.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp, exampleImage } from "./command-help.js";
import { addOptionRows } from "./option-rows.js";
import { addRegistryOptions, type RegistryFlags, registryAccess } from "./registry-options.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Show what an image contains, and what extract would make of it",
      command: `kairos-netboot inspect ${exampleImage}`,
    },
    {
      title: "Print the name of the release in a pipeline",
      command: "kairos-netboot inspect IMAGE --json | jq -r .name",
    },
    {
      title: "Test whether extract would accept the image",
      command: "kairos-netboot inspect IMAGE --json | jq -e '.problems == []'",
    },
  ],
  notes: [
    "The program fetches layers from the top down, and only as many as it needs. The cache keeps them for extract. The sizes of the output and of the machines' memory are estimates.",
  ],
};

interface Flags extends RegistryFlags, VerificationOptions {
  platform?: string;
  cacheDir?: string;
  cache: boolean;
  retryTimeout?: string;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

const { platform, cacheDir, cache, retryTimeout } = extractOptionTable;
/** The options that mean the same as those of `extract`. */
const sharedOptions = { platform, cacheDir, cache, retryTimeout, ...verificationOptionTable };

export function inspectCommand(): Command {
  const command = new Command("inspect")
    .summary("show what an image contains, and what extract would make of it")
    .description(
      "Shows the digest, platforms, layers, Kairos release, kernel, and initrd of an image, and estimates the size of what extract would make of it. Writes no files and fetches as little as possible.",
    )
    .argument("<image>", "image reference or another source, as for extract");
  addOptionRows(command, sharedOptions)
    .option("-q, --quiet", "print only the result and errors")
    .option("-v, --verbose", "print details, and the causes of errors")
    .option("--json", "print the result as JSON")
    .action(run);
  return addHelp(addRegistryOptions(command), help);
}

async function run(image: string, flags: Flags): Promise<void> {
  const { platform, cacheDir, cache, retryTimeout, quiet, verbose, json } = flags;
  const { verifyKey, verifyIdentity, verifyIssuer, verifySourceRepository, trustedRoot } = flags;
  try {
    const registry = await registryAccess(flags);
    const { inspect } = await import("../../inspect/index.js");
    const inspection = await withSignals((signal) =>
      inspect({
        image,
        platform,
        cacheDir,
        cache,
        retryTimeout,
        verifyKey,
        verifyIdentity,
        verifyIssuer,
        verifySourceRepository,
        trustedRoot,
        registry,
        signal,
        onEvent: ({ level, text }) => {
          if (quiet || (json && level === "info") || (level === "detail" && !verbose)) return;
          const line = level === "warning" ? `Warning: ${text}` : text;
          process.stderr.write(`${sanitize(line)}\n`);
        },
      }),
    );
    const lines = json ? [JSON.stringify(inspection)] : formatInspection(inspection);
    process.stdout.write(`${lines.join("\n")}\n`);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}
