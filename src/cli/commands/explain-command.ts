import { Command } from "commander";
import { type NetbootError, usageError } from "../../support/index.js";
import { formatExplanation } from "../format/format-explanation.js";
import { CommandFailure } from "./command-failure.js";
import { addHelp, type CommandHelp } from "./command-help.js";

const help: CommandHelp = {
  examples: [
    {
      title: "Explain what a machine boots, or why it gets no answer",
      command: "kairos-netboot explain 52:54:00:aa:bb:01",
    },
    {
      title: "Ask a server on another machine",
      command:
        "kairos-netboot explain 52:54:00:aa:bb:01 \\\n        --server http://10.77.0.2:8080",
    },
  ],
  notes: [
    "By default, the command asks the server on this machine: the one that its state directory names, or the one on port 8080 of any of this machine's addresses.",
  ],
};

interface Flags {
  server?: string;
  stateDir?: string;
  verbose?: boolean;
  json?: boolean;
}

export function explainCommand(): Command {
  const command = new Command("explain")
    .summary("explain what a machine boots, or why it gets no answer")
    .description(
      "Asks a running server what it knows about a machine: what the machine is, what it would boot now and why, and its latest events.",
    )
    .argument("<mac>", "MAC address of the machine, such as 52:54:00:aa:bb:01")
    .option("--server <url>", "server to ask (default: the one on this machine)")
    .option("--state-dir <dir>", "state directory of the server, if not the default")
    .option("-v, --verbose", "print the causes of errors")
    .option("--json", "print the report as JSON")
    .action(run);
  return addHelp(command, help);
}

async function run(text: string, flags: Flags): Promise<void> {
  const { server, stateDir, json } = flags;
  try {
    const { machineFacts, queryServer, normalizeMac } = await import("../../boot-server/index.js");
    const mac = normalizeMac(text);
    if (mac === undefined) throw invalidMac(text);
    const report = await queryServer(mac, { server, stateDir });
    const lines = json
      ? [JSON.stringify(report)]
      : formatExplanation(report, machineFacts, new Date());
    process.stdout.write(`${lines.join("\n")}\n`);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

function invalidMac(text: string): NetbootError {
  return usageError(
    `${text} is not a MAC address.`,
    "Write six bytes, such as 52:54:00:aa:bb:01. serve and the machine's firmware print the address.",
  );
}
