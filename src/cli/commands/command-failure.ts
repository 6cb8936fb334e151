/** A command's error, with the flags that say how to tell of it. */
export class CommandFailure extends Error {
  readonly flags: { readonly json: boolean; readonly verbose: boolean };

  constructor(cause: unknown, { json, verbose }: { json?: boolean; verbose?: boolean }) {
    super("the command failed", { cause });
    this.flags = { json: json ?? false, verbose: verbose ?? false };
  }
}
