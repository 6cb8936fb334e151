/**
 * Runs command lines one after another within this process, each in a directory of its own.
 *
 *     node run-commands.js COMMANDS.json
 *
 * Input: `PreparedCommand[]`. Output: `ConcludedOutcome[]`, in the same order.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { runCommand } from "../../extract/support/run-command.js";
import type { Outcome } from "../../extract/support/run-netboot.js";

export interface PreparedCommand {
  /** A shell script that runs in the directory before the command. */
  readonly prepare?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A shell script that runs in the directory after the command. */
  readonly conclude?: string;
}

export interface ConcludedOutcome extends Outcome {
  /** What `conclude` printed. */
  readonly concluded: string;
}

const commands: readonly PreparedCommand[] = JSON.parse(
  readFileSync(process.argv[2] ?? "", "utf8"),
);
const stateHome = process.env.XDG_STATE_HOME ?? "";
const outcomes: ConcludedOutcome[] = [];
for (const [index, { prepare = "", args, env, conclude = "" }] of commands.entries()) {
  const directory = resolve(`command-${index}`);
  mkdirSync(directory);
  const shell = (script: string) =>
    execFileSync("sh", ["-euc", script], { cwd: directory, encoding: "utf8" });
  shell(prepare);
  const outcome = await runCommand(args, {
    cwd: directory,
    env: { XDG_STATE_HOME: stateHome, ...env },
  });
  outcomes.push({ ...outcome, concluded: shell(conclude) });
}
console.log(JSON.stringify(outcomes));
