import { FormatError } from "../tar/index.js";

/** Compressed data are damaged or truncated. */
export class DecompressionError extends FormatError {
  /**
   * @param reason a clause without a period
   * @param program name of the program that reported it, if a program did
   */
  constructor(
    readonly reason: string,
    program?: string,
  ) {
    const failure =
      program === undefined ? "it cannot be decompressed" : `${program} cannot decompress it`;
    super(`${failure}: ${reason}`);
  }
}
