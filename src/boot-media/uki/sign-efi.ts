import { rename, rm } from "node:fs/promises";
import { NetbootError, requireProgram, runProgram } from "../../support/index.js";

export interface SigningKey {
  /** Paths of PEM files. */
  readonly key: string;
  readonly certificate: string;
}

/**
 * Finds what signing needs, before the long work.
 * @throws NetbootError PROGRAM_MISSING
 */
export async function findSigner(): Promise<{ sbsign: string; sbverify: string }> {
  const [sbsign, sbverify] = await Promise.all(
    ["sbsign", "sbverify"].map((name) => requireProgram(name, "sbsigntool")),
  );
  return { sbsign: sbsign!, sbverify: sbverify! };
}

/**
 * Signs an EFI program for Secure Boot, in its place, and checks that the signature is the
 * certificate's.
 * @throws NetbootError PROGRAM_MISSING, SIGNING_FAILED, INTERRUPTED
 */
export async function signEfiProgram(
  path: string,
  { key, certificate }: SigningKey,
  signal?: AbortSignal,
): Promise<void> {
  const { sbsign, sbverify } = await findSigner();
  const signed = `${path}.signed`;
  const run = async (program: string, words: readonly string[]) => {
    try {
      await runProgram(program, words, { signal });
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
