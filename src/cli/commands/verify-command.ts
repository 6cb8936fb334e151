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
    "Each line starts with ok, FAILED, or not checked. The exit status is 1 if a check failed.",
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
      "Checks sums, kernel, initrd, squashfs and script of a directory, and whether they belong together.",
    )
    .argument(
      "<dirs...>",
      "directories that extract made, or others with kernel, initrd and squashfs",
    )
    .option("--key <file>", "public key that SHA256SUMS has to be signed with")
    .option("--source", "ask the registry whether the image is still the same")
    .option("-q, --quiet", "print nothing but what failed")
    .option("-v, --verbose", "tell where an error comes from")
    .option("--json", "print JSON lines on standard output")
    .action(run);
  return addHelp(addRegistryOptions(command), help);
}

async function run(directories: string[], flags: Flags): Promise<void> {
  const { key, source } = flags;
  const isOfSeveral = directories.length > 1;
  try {
    requireNoPassword(flags);
    const registry = await registryAccess(flags);
    const { verifyDirectory } = await import("../../verify/index.js");
    let count = 0;
    let failures = 0;
    await withSignals(async (signal) => {
      for (const directory of directories) {
        const checks = verifyDirectory({ directory, key, source, registry, signal });
        for await (const check of isOfSeveral ? withoutEnd(checks) : checks) {
          count += 1;
          if (check.status === "failed") failures += 1;
          tell(check, directory, isOfSeveral, flags);
        }
      }
    });
    if (failures > 0) throw checkFailed(failures, count);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

/** A directory in which there is nothing to check is one check that failed: others come behind it. */
async function* withoutEnd(checks: AsyncIterable<Check>): AsyncGenerator<Check> {
  try {
    yield* checks;
  } catch (error) {
    if (!(error instanceof NetbootError) || error.code !== "RELEASE_INVALID") throw error;
    yield { check: "description", status: "failed", what: error.message };
  }
}

/** A directory says itself which registry is asked, and may have been made to name another. */
function requireNoPassword({ username, tlsCert }: Flags): void {
  if (username === undefined && tlsCert === undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    "verify takes no password and no client certificate: the directory says which registry is asked.",
    "Give credentials with --authfile, certificates in certs.d, where each is for its registry.",
  );
}

function tell(check: Check, directory: string, isOfSeveral: boolean, { quiet, json }: Flags): void {
  if (quiet && check.status !== "failed") return;
  const place = isOfSeveral ? `${directory}: ` : "";
  const line = json
    ? JSON.stringify({ type: "check", directory, ...check })
    : sanitize(`${marks[check.status]}  ${place}${check.check}: ${check.what}`);
  process.stdout.write(`${line}\n`);
}

const marks = { ok: "ok         ", failed: "FAILED     ", unchecked: "not checked" } as const;

function checkFailed(failures: number, count: number): NetbootError {
  return new NetbootError(
    "CHECK_FAILED",
    `${failures} of ${count} checks failed.`,
    "Make the directory again with extract --force, or fetch it again from where it came.",
  );
}
