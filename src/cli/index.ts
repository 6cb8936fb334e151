import { type Command, CommanderError } from "commander";
import { NetbootError } from "../support/index.js";
import { CommandFailure } from "./commands/command-failure.js";
import { createProgram, subcommandsOf } from "./program.js";
import { reportError } from "./reporters/report-error.js";

/**
 * Runs the program.
 * @param argv as in process.argv
 * @returns the exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that closed the pipe (`| head`) is not a failure. Any other write error is one, but not
  // a reason to stop in the middle of the job.
  let writeError: NodeJS.ErrnoException | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") writeError ??= error;
    });
  }
  const status = await run(argv);
  await Promise.all([process.stdout, process.stderr].map(flush));
  if (status !== 0 || writeError === undefined) return status;
  return reportError(outputLost(writeError), { json: false, verbose: false });
}

/** Waits until the stream has written everything or reported an error. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  for (const command of [program, ...subcommandsOf(program)]) {
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  try {
    requireKnownTopic(program, argv);
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === "commander.help") return 2;
    if (error instanceof CommandFailure) return reportError(error.cause, error.flags);
    const flags = { json: argv.includes("--json"), verbose: false };
    return reportError(toNetbootError(error, program, argv), flags);
  }
}

/** commander answers `help extrct` with the general help; `extrct` alone suggests `extract`. */
function requireKnownTopic(program: Command, [, , first, topic]: readonly string[]): void {
  if (first !== "help" || topic === undefined || topic.startsWith("-")) return;
  const isKnown = [...program.commands.map((command) => command.name()), "help"].includes(topic);
  if (!isKnown) program.parse(["", "", topic]);
}

function outputLost(cause: NodeJS.ErrnoException): NetbootError {
  return new NetbootError(
    "OUTPUT_NOT_WRITABLE",
    `The command succeeded, but its output could not be written (${cause.code}).`,
    "Free some space, or redirect the output to another place.",
    { cause },
  );
}

/** commander's message and its suggestion of a similar name, in the form of this program's errors. */
function toNetbootError(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [problem = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const name = program.commands.map((command) => command.name()).find((it) => it === argv[2]);
  const command = ["kairos-netboot", name].filter(Boolean).join(" ");
  const hint = suggestion?.replace(/^\(|\)$/g, "") ?? `See ${command} --help.`;
  return new NetbootError("USAGE_INVALID", `${capitalize(problem).replace(/\.$/, "")}.`, hint);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
