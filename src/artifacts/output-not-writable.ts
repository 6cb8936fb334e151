import { diskFull, NetbootError, systemCode } from "../support/index.js";

interface Output {
  /** What cannot be written: "file a.iso". */
  readonly what: string;
  /** The directory whose file system may be full. */
  readonly place: string;
  readonly hint: string;
}

/** Turns a failure to write into DISK_FULL or OUTPUT_NOT_WRITABLE, and returns all other errors as they are. */
export function outputNotWritable(error: unknown, { what, place, hint }: Output): unknown {
  if (error instanceof NetbootError || systemCode(error) === undefined) return error;
  const full = diskFull(error, place);
  if (full !== error) return full;
  const message = `The ${what} cannot be written (${systemCode(error)}).`;
  return new NetbootError("OUTPUT_NOT_WRITABLE", message, hint, { cause: error });
}
