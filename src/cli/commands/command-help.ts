import { type Command, Option } from "commander";

/** The image of the examples in help texts, hints, and the reference. */
export const exampleImage = "quay.io/kairos/hadron:v0.5.1-core-amd64-generic-v4.3.0";

interface Example {
  readonly title: string;
  /** A shell command; further lines are indented as the help prints them. */
  readonly command: string;
}

/** The part of the help that follows the options. The reference prints it, too. */
export interface CommandHelp {
  readonly examples: readonly Example[];
  /** Paragraphs. In one with several lines, the first introduces the others, which are a table. */
  readonly notes?: readonly string[];
}

const maxColumns = 80;
const helps = new WeakMap<Command, CommandHelp>();

/** Adds examples and notes to the help of a command. */
export function addHelp(command: Command, help: CommandHelp): Command {
  helps.set(command, help);
  return command
    .configureHelp({ optionDescription: describeOption })
    .addHelpOption(new Option("-h, --help", "print this help").helpGroup("Options:"))
    .addHelpText("after", (context) => formatHelp(context.command, help));
}

/** The examples and notes that `addHelp` added. */
export function helpOf(command: Command): CommandHelp {
  return helps.get(command) ?? { examples: [] };
}

/** commander itself prints default values in quotes. */
function describeOption({ description, defaultValue }: Option): string {
  return typeof defaultValue === "string"
    ? `${description} (default: ${defaultValue})`
    : description;
}

function formatHelp(command: Command, { examples, notes = [] }: CommandHelp): string {
  const wrap = (text: string) =>
    text.includes("\n") ? text : command.createHelp().boxWrap(text, maxColumns);
  const lines = examples.map(({ title, command: text }) => `  ${title}:\n    $ ${text}`);
  return ["", `Examples:\n${lines.join("\n")}`, ...notes.map((note) => `\n${wrap(note)}`)].join(
    "\n",
  );
}
