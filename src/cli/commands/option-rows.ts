import { type Command, Option } from "commander";
import type { OptionRow, OptionTable } from "../../support/index.js";
import { repeatableOption } from "./repeatable-option.js";

/** Adds the options of a table; their values have the types that the library takes. */
export function addOptionRows(command: Command, table: OptionTable): Command {
  for (const row of Object.values(table)) command.addOption(optionOf(row));
  return command;
}

function optionOf(row: OptionRow): Option {
  const { flags, type, default: defaultValue, group } = row;
  const help =
    row.defaultHelp === undefined ? row.help : `${row.help} (default: ${row.defaultHelp})`;
  const option = type === "texts" ? repeatableOption(flags, help) : new Option(flags, help);
  // The library refuses what is not a number, after commander has refused mistyped options.
  if (type === "number") option.argParser(Number);
  if (defaultValue !== undefined) option.default(defaultValue);
  return group === undefined ? option : option.helpGroup(group);
}
