import { Command } from "commander";
import { NetbootError, sanitize } from "../../support/index.js";
import type { Check } from "../../verify/index.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";
import { addRegistryOptions, type RegistryFlags, registryAccess } from "./registry-options.js";
import { withSignals } from "./signals.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Check that the files are complete and belong together",
      command: "kairos-netboot verify out/",
    },
    {
      title: "Also check the signature that extract --sign-key made",
      command: "kairos-netboot verify out/ --key release.pub",
    },
    {
      title: "Also check that the tag still names the same image",
      command: "kairos-netboot verify out/ --source",
    },
    {
      title: "Check several directories",
      command: "kairos-netboot verify out/*",
    },
  ],
  notes: [
    "Each line starts with ok, warning, FAILED, or not checked. The exit status is 1 if a check failed.",
  ],
};

interface Flags extends RegistryFlags {
  key?: string;
  source?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .summary("check a directory of netboot files")
    .description(
      "Checks that the files of a directory match their checksums, that kernel, initrd, squashfs, and script are complete, and that they belong together.",
    )
    .argument(
      "<dirs...>",
      "directories that extract made, or others with a kernel, an initrd, and a squashfs",
    )
    .option("--key <file>", "verify the signature of SHA256SUMS with this public key")
    .option("--source", "check that the registry still has the same image")
    .option("-q, --quiet", "print only warnings and failed checks")
    .option("-v, --verbose", "print the causes of errors")
    .option("--json", "print JSON lines on standard output")
    .action(run);
  return addHelp(addRegistryOptions(command), help);
}

async function run(directories: string[], flags: Flags): Promise<void> {
  const { key, source } = flags;
  const isOneOfSeveral = directories.length > 1;
  try {
    requireNoPassword(flags);
    const registry = await registryAccess(flags);
    const { verifyDirectory } = await import("../../verify/index.js");
    let count = 0;
    let failures = 0;
    await withSignals(async (signal) => {
      for (const directory of directories) {
        const checks = verifyDirectory({ directory, key, source, registry, signal });
        for await (const check of isOneOfSeveral ? reportingNoRelease(checks) : checks) {
          count += 1;
          if (check.status === "failed") failures += 1;
          report(check, directory, isOneOfSeveral, flags);
        }
      }
    });
    if (failures > 0) throw checkFailed(failures, count);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

/** Turns the error of a directory without a release into a failed check: more directories follow. */
async function* reportingNoRelease(checks: AsyncIterable<Check>): AsyncGenerator<Check> {
  try {
    yield* checks;
  } catch (error) {
    if (!(error instanceof NetbootError) || error.code !== "RELEASE_INVALID") throw error;
    yield { check: "description", status: "failed", what: error.message };
  }
}

/** netboot.json names the registry, and whoever made the directory may have chosen another one. */
function requireNoPassword({ username, tlsCert }: Flags): void {
  if (username === undefined && tlsCert === undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    "verify takes no password and no client certificate, because the directory chooses the registry.",
    "Use --authfile for credentials and certs.d for certificates: both are tied to a registry.",
  );
}

function report(
  check: Check,
  directory: string,
  isOneOfSeveral: boolean,
  { quiet, json }: Flags,
): void {
  if (quiet && (check.status === "ok" || check.status === "unchecked")) return;
  const place = isOneOfSeveral ? `${directory}: ` : "";
  const line = json
    ? JSON.stringify({ type: "check", directory, ...check })
    : sanitize(`${marks[check.status]}  ${place}${check.check}: ${check.what}`);
  process.stdout.write(`${line}\n`);
}

const marks = {
  ok: "ok         ",
  warning: "warning    ",
  failed: "FAILED     ",
  unchecked: "not checked",
} as const;

function checkFailed(failures: number, count: number): NetbootError {
  return new NetbootError(
    "CHECK_FAILED",
    `${failures} of ${count} checks failed.`,
    "Make the directory again with extract --force, or copy it again from its source.",
  );
}
