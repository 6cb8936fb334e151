/**
 * One option, both of a command and of the library function behind it. The library uses the flag's
 * name in camel case: `--block-size` is `blockSize`, and `--no-cache` sets `cache` to false.
 */
export interface OptionRow {
  /** As the command line and commander write it: `-o, --output <dir>`. */
  readonly flags: string;
  readonly type: keyof OptionTypes;
  /** Without the default, which is added. */
  readonly help: string;
  readonly default?: string | undefined;
  /** The default in words, if the program finds it out. */
  readonly defaultHelp?: string | undefined;
  /** Heading in the command's help. */
  readonly group?: string | undefined;
}

/** The type of the value that the library takes for each type of option. */
interface OptionTypes {
  text: string;
  /** The option may be repeated. */
  texts: readonly string[];
  number: number;
  flag: boolean;
  /** The flag may have a value. */
  "flag or text": boolean | string;
}

export type OptionTable = Readonly<Record<string, OptionRow>>;

/** The library's options for a table. */
export type OptionValues<Table extends OptionTable> = {
  -readonly [Name in keyof Table]?: OptionTypes[Table[Name]["type"]] | undefined;
};
