import { OciClientError } from "../../oci-client/index.js";
import { type ErrorCode, NetbootError } from "../../support/index.js";

/** Converts the client's errors to this program's class. Other errors are returned unchanged. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof OciClientError)) return error;
  // Does not compile if a code of the client is missing in support/errors.ts.
  const code: ErrorCode = error.code;
  return new NetbootError(code, error.message, error.hint, { cause: error });
}

export async function translateErrors<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw translateError(error);
  }
}
