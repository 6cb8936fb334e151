import type { Command, Option } from "commander";
import { type CommandHelp, helpOf } from "../../src/cli/commands/command-help.js";
import { createProgram, subcommandsOf } from "../../src/cli/program.js";

/** A command with its arguments, options, and help, for Markdown and for man pages. */
export interface CommandData {
  /** With its parents: `kairos-netboot cache prune`. */
  readonly name: string;
  readonly synopsis: string;
  /** For a list of commands. */
  readonly summary: string;
  readonly description: string;
  readonly args: readonly { readonly name: string; readonly description: string }[];
  readonly groups: readonly OptionGroup[];
  /** Names of its own commands, as above. */
  readonly subcommands: readonly string[];
  readonly help: CommandHelp;
}

interface OptionGroup {
  /** Without a colon. */
  readonly title: string;
  readonly options: readonly OptionData[];
}

interface OptionData {
  /** As in the help: `-o, --output <dir>`. */
  readonly flags: string;
  readonly description: string;
  readonly defaultValue: string | undefined;
}

/** The program and all of its commands. */
export function readCommands(): CommandData[] {
  const program = createProgram();
  return [program, ...subcommandsOf(program)].map(readCommand);
}

function readCommand(command: Command): CommandData {
  const name = fullName(command);
  const help = command.createHelp();
  return {
    name,
    synopsis: `${name} ${command.usage()}`,
    summary: command.summary(),
    description: command.description(),
    args: command.registeredArguments.map((argument) => ({
      name: help.argumentTerm(argument),
      description: argument.description,
    })),
    groups: readGroups(help.visibleOptions(command)),
    subcommands: command.commands.map(fullName),
    help: helpOf(command),
  };
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function readGroups(options: readonly Option[]): OptionGroup[] {
  const groups = new Map<string, OptionData[]>();
  for (const option of options) {
    const title = (option.helpGroupHeading ?? "Options").replace(/:$/, "");
    const group = groups.get(title) ?? [];
    groups.set(title, [...group, readOption(option)]);
  }
  return [...groups].map(([title, each]) => ({ title, options: each }));
}

/** Some defaults depend on the machine; the description names them as commander prints the others. */
function readOption({ flags, description, defaultValue }: Option): OptionData {
  const match = /^(.*) \(default: (.*)\)$/.exec(description);
  return {
    flags,
    description: match?.[1] ?? description,
    defaultValue: match?.[2] ?? (typeof defaultValue === "string" ? defaultValue : undefined),
  };
}
