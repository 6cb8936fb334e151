import { Command, CommanderError } from "commander";
import { NetbootError, programVersion } from "../support/index.js";
import { cacheCommand } from "./commands/cache-command.js";
import { CommandFailure } from "./commands/command-failure.js";
import { explainCommand } from "./commands/explain-command.js";
import { extractCommand } from "./commands/extract-command.js";
import { inspectCommand } from "./commands/inspect-command.js";
import { isoCommand } from "./commands/iso-command.js";
import { serveCommand } from "./commands/serve-command.js";
import { verifyCommand } from "./commands/verify-command.js";
import { reportError } from "./reporters/report-error.js";

const overview = `
Kairos images come from a registry; kernel, initrd and squashfs come out:

  $ kairos-netboot extract quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3 -o out/

This tells before what an image is and what will come out:

  $ kairos-netboot inspect quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3

Machines that are set to boot from the network then boot from them:

  $ sudo kairos-netboot serve out/

Where one does not, this says why:

  $ kairos-netboot explain 52:54:00:aa:bb:01

Machines that cannot do that by themselves start from a CD or a USB stick:

  $ kairos-netboot iso --wait-for-server -o boot.iso

Whether a directory is whole, signed, and fits together, this says:

  $ kairos-netboot verify out/

What was downloaded is kept, for as long as you like:

  $ kairos-netboot cache prune --older-than 30d

Exit status: 0 done, 1 failed, 2 wrong usage, 3 the image cannot be had, 4 the image is not fit,
5 a needed program is missing or too old, 130 interrupted.`;

/**
 * Runs the program.
 * @param argv as in process.argv
 * @returns the exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that went away (`| head`) is no failure of the job.
  // That nothing more can be written is one, but no reason to stop in the middle of it.
  let lost: NodeJS.ErrnoException | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") lost ??= error;
    });
  }
  const status = await run(argv);
  await Promise.all([process.stdout, process.stderr].map(written));
  if (status !== 0 || lost === undefined) return status;
  return reportError(outputLost(lost), { json: false, verbose: false });
}

/** A stream tells of what it could not write only after the writer has gone on. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

async function run(argv: readonly string[]): Promise<number> {
  const program = new Command("kairos-netboot")
    .description(
      "Turns a Kairos container image into the files that a machine boots from over the network, and boots machines from them.",
    )
    .version(programVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "explain the commands and options")
    .addHelpText("after", overview)
    .addCommand(extractCommand())
    .addCommand(inspectCommand())
    .addCommand(serveCommand())
    .addCommand(isoCommand())
    .addCommand(explainCommand())
    .addCommand(verifyCommand())
    .addCommand(cacheCommand());
  const parts = program.commands.flatMap(({ commands }) => commands);
  for (const command of [program, ...program.commands, ...parts]) {
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === "commander.help") return 2;
    if (error instanceof CommandFailure) return reportError(error.cause, error.flags);
    const flags = { json: argv.includes("--json"), verbose: false };
    const names = program.commands.map((command) => command.name());
    return reportError(toNetbootError(error, argv, names), flags);
  }
}

function outputLost(cause: NodeJS.ErrnoException): NetbootError {
  return new NetbootError(
    "OUTPUT_NOT_WRITABLE",
    `All is done, but what was to be printed could not be written (${cause.code}).`,
    "Free some space, or have it printed elsewhere.",
    { cause },
  );
}

/** commander's words, which name the nearest right option or command, in this program's form. */
function toNetbootError(
  error: unknown,
  argv: readonly string[],
  names: readonly string[],
): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [problem, suggestion] = error.message.replace(/^error: /, "").split("\n");
  const name = names.find((it) => it === argv[2]);
  const command = ["kairos-netboot", name].filter(Boolean).join(" ");
  const hint = suggestion?.replace(/^\(|\)$/g, "") ?? `See ${command} --help.`;
  return new NetbootError("USAGE_INVALID", `${capitalize(problem!).replace(/\.$/, "")}.`, hint);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
