import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isFileName } from "../../artifacts/index.js";
import { NetbootError } from "../../support/index.js";
import { readServedFile, type ServedFile } from "../files/served-file.js";
import type { Firmware, MachineArchitecture } from "./client-architecture.js";
import type { Release } from "./release.js";

/** The directory of Debian's and Ubuntu's package `ipxe`. */
const packagedProgramsDirectory = "/usr/lib/ipxe";

/** The facts that decide which boot program a machine can run. */
export interface ProgramTarget {
  readonly architecture: MachineArchitecture | undefined;
  readonly firmware: Firmware | undefined;
}

interface ProgramKind {
  readonly architecture: MachineArchitecture;
  readonly firmware: Firmware;
  /** The name that clients ask for. */
  readonly name: string;
  /** Paths below a directory of boot programs: those of Debian's package and of ipxe.org. */
  readonly paths: readonly string[];
}

const kinds: readonly ProgramKind[] = [
  {
    architecture: "amd64",
    firmware: "bios",
    name: "undionly.kpxe",
    paths: ["undionly.kpxe", "x86_64-pcbios/undionly.kpxe", "i386-pcbios/undionly.kpxe"],
  },
  {
    architecture: "amd64",
    firmware: "uefi",
    name: "snponly.efi",
    paths: ["snponly.efi", "x86_64-efi/snponly.efi", "ipxe.efi", "x86_64-efi/ipxe.efi"],
  },
  {
    architecture: "arm64",
    firmware: "uefi",
    name: "snponly-arm64.efi",
    paths: ["snponly-arm64.efi", "arm64-efi/snponly.efi", "ipxe-arm64.efi", "arm64-efi/ipxe.efi"],
  },
];

/** The iPXE binaries that were found, one for each kind of machine. */
export class BootPrograms {
  readonly #directories: readonly string[];
  /** By architecture and firmware. */
  readonly #found: ReadonlyMap<string, ServedFile>;
  /** By the name that clients ask for. */
  readonly byName: ReadonlyMap<string, ServedFile>;

  private constructor(directories: readonly string[], found: ReadonlyMap<string, ServedFile>) {
    this.#directories = directories;
    this.#found = found;
    this.byName = new Map([...found.values()].map((program) => [program.name, program]));
  }

  /**
   * Finds the programs of Debian's package. Those of another directory take precedence.
   * @throws NetbootError USAGE_INVALID if that directory does not exist
   */
  static async locate(directory: string | undefined): Promise<BootPrograms> {
    if (directory === undefined) return BootPrograms.find([packagedProgramsDirectory]);
    const exists = await stat(directory).then(
      (it) => it.isDirectory(),
      () => false,
    );
    if (exists) return BootPrograms.find([directory, packagedProgramsDirectory]);
    throw new NetbootError(
      "USAGE_INVALID",
      `There is no directory ${directory} with boot programs.`,
      "Name one that contains snponly.efi, undionly.kpxe or arm64-efi/snponly.efi with --ipxe-dir.",
    );
  }

  /** @param directories searched in this order */
  static async find(directories: readonly string[]): Promise<BootPrograms> {
    const found = new Map<string, ServedFile>();
    for (const { architecture, firmware, name, paths: below } of kinds) {
      const paths = directories.flatMap((directory) => below.map((it) => join(directory, it)));
      const program = await firstOf(paths, name);
      if (program !== undefined) found.set(`${architecture} ${firmware}`, program);
    }
    return new BootPrograms(directories, found);
  }

  /** Returns the kinds of firmware of an architecture that are supported but lack a program. */
  missingFor(architecture: string): Firmware[] {
    return kinds
      .filter((kind) => kind.architecture === architecture)
      .filter(({ firmware }) => !this.#found.has(`${architecture} ${firmware}`))
      .map(({ firmware }) => firmware);
  }

  /** Finds any program in the same directories by its name. */
  async findByName(name: string): Promise<ServedFile | undefined> {
    if (!isFileName(name)) return undefined;
    const paths = this.#directories.map((directory) => join(directory, name));
    return this.byName.get(name) ?? (await firstOf(paths, name));
  }

  /** Returns the iPXE binary for a machine. */
  programFor({ architecture, firmware }: ProgramTarget): ServedFile | undefined {
    // U-Boot also starts EFI programs.
    const kind = firmware === "u-boot" ? "uefi" : firmware;
    return this.#found.get(`${architecture} ${kind}`);
  }
}

/**
 * Tells by the name of a program whether firmware can run it. UEFI runs only EFI programs
 * (`snponly.efi`, `shimx64.efi.signed`); BIOS and the Raspberry Pi run none of these.
 */
export function canRun(firmware: Firmware | undefined, { name }: ServedFile): boolean {
  // U-Boot also starts many other formats.
  if (firmware === "u-boot") return true;
  return /\.efi(\.|$)/i.test(name) === (firmware === "uefi");
}

/** What shim starts or reads in its own directory: GRUB, MokManager, fallback, iPXE and revocations. */
const secondStageName = /^(grub|mm|fb|ipxe|snponly|revocations|shim_certificate)[^/]*\.efi$/i;

/** Finds the files beside a shim that it fetches from where it was fetched from; none for other programs. */
export async function findSecondStages({ name, path }: ServedFile): Promise<ServedFile[]> {
  if (!/shim/i.test(name)) return [];
  const directory = dirname(path);
  const names = (await readdir(directory)).filter((it) => secondStageName.test(it)).sort();
  const programs = await Promise.all(names.map((it) => readBootProgram(join(directory, it))));
  return programs.filter((program) => program !== undefined);
}

/** The name of the program that a client asks for: firmware may put slashes before it. */
export function requestedProgramName(path: string): string {
  return path.replace(/^\/+/, "");
}

/** Finds a program by name; some firmware changes the case of the names that it was given. */
export function findProgramNamed<Program>(
  programs: ReadonlyMap<string, Program>,
  name: string,
): Program | undefined {
  const exact = programs.get(name);
  if (exact !== undefined) return exact;
  for (const [known, program] of programs) {
    if (known.toLowerCase() === name.toLowerCase()) return program;
  }
  return undefined;
}

/** Warnings about the kinds of machines that get no answer because they lack a boot program. */
export function findMissingPrograms(
  releases: readonly Release[],
  programs: BootPrograms,
): { what: string; hint: string }[] {
  const architectures = new Set(releases.map(({ architecture }) => architecture));
  return [...architectures].flatMap((architecture) => {
    const missing = programs.missingFor(architecture);
    if (missing.length === 0) return [];
    const what = `There is no iPXE for ${architecture} machines with ${missing.join(" or ")}`;
    const source = architecture === "amd64" ? "install the package ipxe, or " : "";
    return [{ what, hint: `${source}name a directory that contains one with --ipxe-dir.` }];
  });
}

/**
 * Describes a boot program; undefined if there is no such file. Unlike the files of a release, the
 * program may be replaced while it is served.
 */
export async function readBootProgram(
  path: string,
  name = basename(path),
): Promise<ServedFile | undefined> {
  const file = await readServedFile(path, name, "boot-program");
  return file && { ...file, identity: undefined };
}

async function firstOf(paths: readonly string[], name: string): Promise<ServedFile | undefined> {
  for (const path of paths) {
    const file = await readBootProgram(path, name);
    if (file !== undefined) return file;
  }
  return undefined;
}
