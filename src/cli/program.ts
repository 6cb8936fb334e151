import { Command } from "commander";
import { exitStatuses, programVersion } from "../support/index.js";
import { cacheCommand } from "./commands/cache-command.js";
import { addHelp, type CommandHelp, exampleImage } from "./commands/command-help.js";
import { explainCommand } from "./commands/explain-command.js";
import { extractCommand } from "./commands/extract-command.js";
import { inspectCommand } from "./commands/inspect-command.js";
import { isoCommand } from "./commands/iso-command.js";
import { serveCommand } from "./commands/serve-command.js";
import { verifyCommand } from "./commands/verify-command.js";

const statuses = Object.entries(exitStatuses).map(([status, meaning]) => `${status} ${meaning}`);

const help: CommandHelp = {
  examples: [
    {
      title: "Make a kernel, an initrd, and a squashfs from an image",
      command: `kairos-netboot extract ${exampleImage} -o out/`,
    },
    {
      title: "Show what an image contains, and what extract would make of it",
      command: `kairos-netboot inspect ${exampleImage}`,
    },
    {
      title: "Boot machines on this network from the files",
      command: "sudo kairos-netboot serve out/",
    },
    {
      title: "Explain why a machine does not boot",
      command: "kairos-netboot explain 52:54:00:aa:bb:01",
    },
    {
      title: "Make an ISO for machines that cannot boot from the network themselves",
      command: "kairos-netboot iso --wait-for-server -o boot.iso",
    },
    {
      title: "Check that the files are complete and belong together",
      command: "kairos-netboot verify out/",
    },
    {
      title: "Remove downloads that have not been used for 30 days",
      command: "kairos-netboot cache prune --older-than 30d",
    },
  ],
  notes: [`Exit status: ${statuses.join(", ")}.`],
};

/** The command line: all commands with their options and help. */
export function createProgram(): Command {
  const program = new Command("kairos-netboot")
    .description(
      "Turns a Kairos container image into the files that a machine boots from over the network, and boots machines from these files.",
    )
    .version(programVersion(), "-V, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .addCommand(extractCommand())
    .addCommand(inspectCommand())
    .addCommand(serveCommand())
    .addCommand(isoCommand())
    .addCommand(explainCommand())
    .addCommand(verifyCommand())
    .addCommand(cacheCommand());
  return addHelp(program, help);
}

/** All commands of a command, each before its own. */
export function subcommandsOf(command: Command): Command[] {
  return command.commands.flatMap((each) => [each, ...subcommandsOf(each)]);
}
