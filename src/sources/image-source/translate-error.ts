import { OciClientError } from "../../oci-client/index.js";
import { type ErrorCode, NetbootError } from "../../support/index.js";

/** Turns an error of the client into a NetbootError with the same code. Other errors pass unchanged. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof OciClientError)) return error;
  // Does not compile if a code of the client is missing in support/error-codes.ts.
  const code: ErrorCode = error.code;
  return new NetbootError(code, error.message, error.hint, { cause: error });
}

/** Runs an action and translates the client's errors. */
export async function translateErrors<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw translateError(error);
  }
}
