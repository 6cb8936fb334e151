import type { KeyObject } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { checksumsName, checksumsSignatureName } from "../artifacts/index.js";
import { isSignedBy } from "../signatures/index.js";
import { tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

/** Far more than the signature of any supported key. */
const maxSignatureBytes = 4096;

/** @returns undefined if there is neither a key nor a signature */
export async function checkSignature(
  directory: string,
  key: KeyObject | undefined,
): Promise<Check | undefined> {
  const path = join(directory, checksumsSignatureName);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (key === undefined) {
    if (!isThere) return undefined;
    return unchecked(
      "signature",
      `${checksumsName} is signed, but there is no --key to verify it with`,
    );
  }
  if (!isThere) return failed("signature", `there is no ${checksumsSignatureName}`);
  const signature = await tryReadSmallFile(path, maxSignatureBytes);
  const sums = await tryReadSmallFile(join(directory, checksumsName));
  if (sums === undefined) return failed("signature", `there is no ${checksumsName}`);
  if (signature !== undefined && isSignedBy(key, sums, signature)) {
    return ok("signature", `${checksumsName} is signed with this key`);
  }
  return failed("signature", `${checksumsName} is not signed with this key, or has been changed`);
}
