import { Command } from "commander";
import { NetbootError } from "../../support/index.js";
import { explanation } from "../format/format-explanation.js";
import { CommandFailure } from "./command-failure.js";

const examples = `
Examples:
  Why a machine boots what it boots, or is not answered at all:
    $ kairos-netboot explain 52:54:00:aa:bb:01
  Of a server that runs elsewhere:
    $ kairos-netboot explain 52:54:00:aa:bb:01 --server http://10.77.0.2:8080

The server is looked for on this machine, also at port 8080 of each of its addresses.`;

interface Flags {
  server?: string;
  stateDir?: string;
  verbose?: boolean;
  json?: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .summary("say why a machine was answered as it was, or not at all")
    .description(
      "Asks a server that runs what it knows of a machine: what it is, what it would get now and why, and what happened to it last.",
    )
    .argument("<mac>", "hardware address of the machine, as in 52:54:00:aa:bb:01")
    .option("--server <url>", "the server to ask (default: the one on this machine)")
    .option("--state-dir <dir>", "the server's, if it was given one")
    .option("-v, --verbose", "tell where an error comes from")
    .option("--json", "print what the server says as JSON")
    .helpOption("-h, --help", "explain the options")
    .addHelpText("after", examples)
    .action(run);
}

async function run(text: string, flags: Flags): Promise<void> {
  const { server, stateDir, json } = flags;
  try {
    const { queryServer, normalizeMac } = await import("../../boot-server/index.js");
    const mac = normalizeMac(text);
    if (mac === undefined) throw notAnAddress(text);
    const report = await queryServer(mac, { server, stateDir });
    const lines = json ? [JSON.stringify(report)] : explanation(report, new Date());
    process.stdout.write(`${lines.join("\n")}\n`);
  } catch (error) {
    throw new CommandFailure(error, flags);
  }
}

function notAnAddress(text: string): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    `${text} is no hardware address.`,
    "Write six bytes, as in 52:54:00:aa:bb:01: serve and the machine's firmware print it.",
  );
}
