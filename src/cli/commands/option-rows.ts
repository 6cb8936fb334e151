import { type Command, Option } from "commander";
import type { OptionRow, OptionTable } from "../../support/index.js";
import { repeatableOption } from "./repeatable-option.js";

/** Adds the options of a table; their values have the types that the library takes. */
export function addOptionRows(command: Command, table: OptionTable): Command {
  for (const row of Object.values(table)) command.addOption(optionOf(row));
  return command;
}

function optionOf({ flags, type, help, default: fixed, defaultHelp, group }: OptionRow): Option {
  const option = type === "texts" ? repeatableOption(flags, help) : new Option(flags, help);
  if (defaultHelp !== undefined) option.description += ` (default: ${defaultHelp})`;
  // The library refuses what is not a number, after commander has refused mistyped options.
  if (type === "number") option.argParser(Number);
  if (fixed !== undefined) option.default(fixed);
  return group === undefined ? option : option.helpGroup(group);
}
