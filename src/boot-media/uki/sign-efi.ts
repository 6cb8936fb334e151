import { rename, rm } from "node:fs/promises";
import { NetbootError, requireProgram, runProgram } from "../../support/index.js";

/** Paths of PEM files. */
export interface SigningKey {
  readonly key: string;
  readonly certificate: string;
}

/**
 * Finds the programs that signing needs. Call this before long work, so that it does not fail late.
 * @throws NetbootError PROGRAM_MISSING
 */
export async function findSigner(): Promise<{ sbsign: string; sbverify: string }> {
  const [sbsign, sbverify] = await Promise.all([
    requireProgram("sbsign", "sbsigntool"),
    requireProgram("sbverify", "sbsigntool"),
  ]);
  return { sbsign, sbverify };
}

/**
 * Signs an EFI program for Secure Boot, in place, and checks the signature with the certificate.
 * @throws NetbootError PROGRAM_MISSING, SIGNING_FAILED, INTERRUPTED
 */
export async function signEfiProgram(
  path: string,
  { key, certificate }: SigningKey,
  signal?: AbortSignal,
): Promise<void> {
  const { sbsign, sbverify } = await findSigner();
  const signed = `${path}.signed`;
  const run = async (program: string, args: readonly string[]) => {
    try {
      await runProgram(program, args, { signal });
    } catch (error) {
      if (!(error instanceof NetbootError) || error.code !== "PROGRAM_FAILED") throw error;
      throw new NetbootError(
        "SIGNING_FAILED",
        `The EFI program cannot be signed with ${key}: ${error.message}`,
        "Give a private key and its certificate as PEM files, the key without a passphrase.",
        { cause: error },
      );
    }
  };
  try {
    await run(sbsign, ["--key", key, "--cert", certificate, "--output", signed, path]);
    await run(sbverify, ["--cert", certificate, signed]);
    await rename(signed, path);
  } finally {
    await rm(signed, { force: true });
  }
}
