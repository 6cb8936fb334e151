import { OciClientError } from "../../oci-client/index.js";
import { isErrorCode, NetbootError } from "../../support/index.js";

/** Gives the client's errors this program's class; their codes are the same. Others pass. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof OciClientError) || !isErrorCode(error.code)) return error;
  return new NetbootError(error.code, error.message, error.hint, { cause: error });
}

export async function translateErrors<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw translateError(error);
  }
}
