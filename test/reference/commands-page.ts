import type { CommandHelp } from "../../src/cli/commands/command-help.js";
import { type CommandData, readCommands } from "./command-data.js";
import { codeBlock, formatTable, generatedNotice, joinBlocks, markOptions } from "./markdown.js";

/** docs/reference/commands.md */
export function commandsPage(): string {
  const [program, ...commands] = readCommands();
  if (program === undefined) throw new Error("there is no program");
  return joinBlocks([
    "# Commands",
    generatedNotice,
    program.description,
    formatTable(
      ["Command", "Description"],
      commands.map(({ name, summary }) => [`[\`${name}\`](#${anchor(name)})`, summary]),
    ),
    ...formatNotes(program.help),
    ...commands.flatMap(formatCommand),
  ]);
}

function formatCommand({ name, synopsis, description, args, groups, help }: CommandData): string[] {
  return [
    `## \`${name}\``,
    description,
    codeBlock("text", synopsis),
    formatTable(
      ["Argument", "Description"],
      args.map((each) => [`\`${each.name}\``, markOptions(each.description)]),
    ),
    ...groups.flatMap(({ title, options }) => [
      groups.length > 1 ? `### ${title}` : "",
      formatTable(
        ["Option", "Description", "Default"],
        options.map((each) => [
          `\`${each.flags}\``,
          markOptions(each.description),
          formatDefault(each.defaultValue),
        ]),
      ),
    ]),
    groups.length > 1 ? "### Examples" : "",
    ...formatExamples(help),
    ...formatNotes(help),
  ];
}

function formatDefault(value: string | undefined): string {
  if (value === undefined) return "";
  return /^[\w./~:-]+$/.test(value) ? `\`${value}\`` : markOptions(value);
}

function formatExamples({ examples }: CommandHelp): string[] {
  return examples.map(({ title, command }) =>
    joinBlocks([
      `${markOptions(title)}:`,
      codeBlock("sh", command.replaceAll("\n     ", "\n")),
    ]).trim(),
  );
}

function formatNotes({ notes = [] }: CommandHelp): string[] {
  return notes.flatMap((note) => {
    const [first = "", ...rows] = note.split("\n");
    const table = rows.map((row) => row.trim().split(/ {2,}/));
    if (table.length === 0) return [markOptions(first)];
    return [
      first,
      formatTable(
        ["Source", "Description"],
        table.map(([a = "", b = ""]) => [`\`${a}\``, b]),
      ),
    ];
  });
}

/** The anchor that GitHub gives to a heading. */
function anchor(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}
