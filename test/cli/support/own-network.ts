import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Outcome } from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { checkout } from "../../support/checkout.js";
import { untilSays } from "../../support/until-says.js";
import type { PreparedCommand } from "./run-commands.js";

const run = promisify(execFile);

/**
 * Runs a shell script in its own network namespace, in which this machine is 10.9.8.7. The script can
 * use the commands `$node` and `$netboot`; `until_says FILE WORDS` waits for a line.
 * @returns its standard output
 */
export async function inOwnNetwork(
  script: string,
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<string> {
  const setUp = `set -u; cd "${await temporaryDirectory()}"; export XDG_STATE_HOME="$PWD/state"
    node="${process.execPath}"; netboot="$node ${checkout}/bin/kairos-netboot.js"
    ip link set lo up; ip address add 10.9.8.7/24 dev lo
    ${untilSays}`;
  // The PID namespace ends all processes with the script.
  const namespaces = ["--map-root-user", "--net", "--pid", "--mount-proc"];
  const words = [...namespaces, "--fork", "--kill-child", "sh", "-c"];
  // unshare ignores SIGTERM while it waits for its child.
  const options = { timeout: timeoutMs, killSignal: "SIGKILL" } as const;
  return (await run("unshare", [...words, `${setUp}\n${script}`], options)).stdout;
}

/** Shell commands that run command lines in one process, and print their outcomes as JSON. */
export function runCommandsScript(commands: readonly PreparedCommand[]): string {
  return `cat > commands.json <<'END'\n${JSON.stringify(commands)}\nEND
    $node ${runCommands} commands.json`;
}

const runCommands = join(checkout, ".build/test/cli/support/run-commands.js");

export interface BatchOptions {
  /** Shell commands that run once, in the network, before the batch. */
  readonly setUp?: () => string;
  /** Shell commands that run before those of each command. */
  readonly prepareAll?: () => string;
}

/**
 * Collects command lines that the first test to ask for an outcome runs, all in one process in one
 * network. Starting a network and a process for each would take far longer than the commands.
 * @returns a function that adds a command and returns a function that gives its outcome
 */
export function batchInOwnNetwork({
  setUp = () => "",
  prepareAll = () => "",
}: BatchOptions = {}): (args: () => readonly string[], prepare?: string) => () => Promise<Outcome> {
  const added: { readonly args: () => readonly string[]; readonly prepare: string }[] = [];
  let outcomes: Promise<readonly Outcome[]> | undefined;
  const runAll = async (): Promise<readonly Outcome[]> => {
    const commands = added.map(({ args, prepare }): PreparedCommand => {
      return { args: args(), prepare: `${prepareAll()}\n${prepare}` };
    });
    return JSON.parse(await inOwnNetwork(`${setUp()}\n${runCommandsScript(commands)}`));
  };
  return (args, prepare = "") => {
    const index = added.push({ args, prepare }) - 1;
    return async () => {
      outcomes ??= runAll();
      const outcome = (await outcomes)[index];
      if (outcome === undefined) throw new Error("The command was added too late.");
      return outcome;
    };
  };
}
