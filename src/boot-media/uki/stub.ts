import { readFile } from "node:fs/promises";
import { type PeHeaders, readPe } from "../../kernel/pe.js";
import { NetbootError, requireFile } from "../../support/index.js";

/** Where Debian's and Ubuntu's package puts them. */
const place = "/usr/lib/systemd/boot/efi";
const names: Readonly<Record<string, string>> = {
  amd64: "linuxx64.efi.stub",
  arm64: "linuxaa64.efi.stub",
};

/**
 * The path of systemd's EFI stub for an architecture.
 * @param architecture as OCI names it
 * @throws NetbootError PROGRAM_MISSING, USAGE_INVALID where systemd has none
 */
export async function findStub(architecture: string): Promise<string> {
  const name = names[architecture];
  if (name === undefined) {
    throw new NetbootError(
      "USAGE_INVALID",
      `There is no unified kernel image (--uki) for ${architecture}.`,
      `They are made for ${Object.keys(names).join(" and ")}.`,
    );
  }
  const isForeign = architecture !== { x64: "amd64", arm64: "arm64" }[process.arch as string];
  const debianPackage = isForeign ? `systemd-boot-efi:${architecture}` : "systemd-boot-efi";
  return requireFile(
    [`${place}/${name}`],
    `EFI stub of systemd for ${architecture}`,
    debianPackage,
  );
}

/** @throws NetbootError STUB_INVALID */
export async function readStub(
  path: string,
  architecture: string,
): Promise<{ program: Buffer; headers: PeHeaders }> {
  const program = await readFile(path);
  const headers = readPe(program);
  const isRight = headers !== undefined && headers.architecture === architecture;
  if (isRight && headers.sections.length > 0) return { program, headers };
  throw new NetbootError(
    "STUB_INVALID",
    `${path} is no EFI program for ${architecture}.`,
    "Install the package systemd-boot-efi again.",
  );
}
