import { Option } from "commander";

/**
 * An option that takes one value and may be repeated; its values form a list. commander's own
 * `<value...>` would also consume the arguments that follow the option.
 */
export function repeatableOption(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`).argParser(collect);
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
