import { readFile } from "node:fs/promises";
import { type PeProgram, readPeProgram } from "../../kernel/index.js";
import { hostPlatform } from "../../oci-client/index.js";
import { NetbootError, requireFile } from "../../support/index.js";

/** The packages of Debian and Ubuntu install the stubs here. */
const stubDirectory = "/usr/lib/systemd/boot/efi";
const stubNames: Readonly<Record<string, string>> = {
  amd64: "linuxx64.efi.stub",
  arm64: "linuxaa64.efi.stub",
};

/**
 * The path of systemd's EFI stub for an architecture.
 * @param architecture OCI's name
 * @throws NetbootError PROGRAM_MISSING; USAGE_INVALID if systemd has no stub for the architecture
 */
export async function findStub(architecture: string): Promise<string> {
  const name = stubNames[architecture];
  if (name === undefined) {
    throw new NetbootError(
      "USAGE_INVALID",
      `Unified kernel images (--uki) are not available for ${architecture}.`,
      `They are available for ${Object.keys(stubNames).join(" and ")}.`,
    );
  }
  const isForeign = architecture !== hostPlatform().architecture;
  const debianPackage = isForeign ? `systemd-boot-efi:${architecture}` : "systemd-boot-efi";
  const path = `${stubDirectory}/${name}`;
  return requireFile([path], `systemd EFI stub for ${architecture}`, debianPackage);
}

/** @throws NetbootError STUB_INVALID */
export async function readStub(
  path: string,
  architecture: string,
): Promise<{ program: Buffer; headers: PeProgram }> {
  const program = await readFile(path);
  const headers = readPeProgram(program);
  const isRight = headers !== undefined && headers.architecture === architecture;
  if (isRight && headers.sections.length > 0) return { program, headers };
  throw new NetbootError(
    "STUB_INVALID",
    `${path} is not an EFI program for ${architecture}.`,
    "Install the package systemd-boot-efi again.",
  );
}
