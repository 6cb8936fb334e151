/** The error of a command, with the flags that decide how it is printed. */
export class CommandFailure extends Error {
  readonly flags: { readonly json: boolean; readonly verbose: boolean };

  constructor(cause: unknown, { json, verbose }: { json?: boolean; verbose?: boolean }) {
    super("the command failed", { cause });
    this.flags = { json: json ?? false, verbose: verbose ?? false };
  }
}
