import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isFileName } from "../../artifacts/index.js";
import { NetbootError } from "../../support/index.js";
import type { Firmware, MachineArchitecture } from "./client-architecture.js";
import { type Release, type ServedFile, servedFile } from "./release.js";

/** Where Debian's and Ubuntu's package `ipxe` puts them. */
const packagedPrograms = "/usr/lib/ipxe";

/** What decides which boot program a machine can run. */
export interface ProgramTarget {
  readonly architecture: MachineArchitecture | undefined;
  readonly firmware: Firmware | undefined;
}

interface Kind {
  readonly architecture: MachineArchitecture;
  readonly firmware: Firmware;
  readonly name: string;
  /** Where it may be below a directory of boot programs: as Debian and as ipxe.org have it. */
  readonly places: readonly string[];
}

const kinds: readonly Kind[] = [
  {
    architecture: "amd64",
    firmware: "bios",
    name: "undionly.kpxe",
    places: ["undionly.kpxe", "x86_64-pcbios/undionly.kpxe", "i386-pcbios/undionly.kpxe"],
  },
  {
    architecture: "amd64",
    firmware: "uefi",
    name: "snponly.efi",
    places: ["snponly.efi", "x86_64-efi/snponly.efi", "ipxe.efi", "x86_64-efi/ipxe.efi"],
  },
  {
    architecture: "arm64",
    firmware: "uefi",
    name: "snponly-arm64.efi",
    places: ["snponly-arm64.efi", "arm64-efi/snponly.efi", "ipxe-arm64.efi", "arm64-efi/ipxe.efi"],
  },
];

/** The programs that are there and that firmware can start, each for one kind of machine: iPXE. */
export class BootPrograms {
  readonly #directories: readonly string[];
  readonly #found: ReadonlyMap<string, ServedFile>;
  /** Each by the name that clients ask for. */
  readonly byName: ReadonlyMap<string, ServedFile>;

  private constructor(directories: readonly string[], found: ReadonlyMap<string, ServedFile>) {
    this.#directories = directories;
    this.#found = found;
    this.byName = new Map([...found.values()].map((program) => [program.name, program]));
  }

  /**
   * Those of Debian's package, and before them those of another directory.
   * @throws NetbootError USAGE_INVALID where there is no such directory
   */
  static async beside(directory: string | undefined): Promise<BootPrograms> {
    if (directory === undefined) return BootPrograms.find([packagedPrograms]);
    const isThere = await stat(directory).then(
      (it) => it.isDirectory(),
      () => false,
    );
    if (isThere) return BootPrograms.find([directory, packagedPrograms]);
    throw new NetbootError(
      "USAGE_INVALID",
      `There is no directory ${directory} with boot programs.`,
      "Name one that holds snponly.efi, undionly.kpxe or arm64-efi/snponly.efi with --ipxe-dir.",
    );
  }

  /** @param directories looked through in this order */
  static async find(directories: readonly string[]): Promise<BootPrograms> {
    const found = new Map<string, ServedFile>();
    for (const { architecture, firmware, name, places } of kinds) {
      const paths = directories.flatMap((directory) => places.map((it) => join(directory, it)));
      const program = await firstOf(paths, name);
      if (program !== undefined) found.set(`${architecture} ${firmware}`, program);
    }
    return new BootPrograms(directories, found);
  }

  /** Firmware of an architecture that can be served, and that there is no program for. */
  missingFor(architecture: string): Firmware[] {
    return kinds
      .filter((kind) => kind.architecture === architecture)
      .filter(({ firmware }) => !this.#found.has(`${architecture} ${firmware}`))
      .map(({ firmware }) => firmware);
  }

  /** Another program of the same directories; undefined where none has the name. */
  async named(name: string): Promise<ServedFile | undefined> {
    if (!isFileName(name)) return undefined;
    const paths = this.#directories.map((directory) => join(directory, name));
    return this.byName.get(name) ?? (await firstOf(paths, name));
  }

  for({ architecture, firmware }: ProgramTarget): ServedFile | undefined {
    // U-Boot starts EFI programs, too.
    const kind = firmware === "u-boot" ? "uefi" : firmware;
    return this.#found.get(`${architecture} ${kind}`);
  }
}

/**
 * False for a program that firmware cannot run, as far as its name tells: UEFI runs EFI programs
 * (`snponly.efi`, `shimx64.efi.signed`) and nothing else, BIOS and a Raspberry Pi run none of them.
 */
export function canRun(firmware: Firmware | undefined, { name }: ServedFile): boolean {
  // U-Boot starts much else besides.
  if (firmware === "u-boot") return true;
  return /\.efi(\.|$)/i.test(name) === (firmware === "uefi");
}

/** What a person should know before machines of some kind are not answered. */
export function missingPrograms(
  releases: readonly Release[],
  programs: BootPrograms,
): { what: string; hint: string }[] {
  const architectures = new Set(releases.map(({ architecture }) => architecture));
  return [...architectures].flatMap((architecture) => {
    const missing = programs.missingFor(architecture);
    if (missing.length === 0) return [];
    const what = `There is no iPXE for ${architecture} machines with ${missing.join(" or ")}`;
    const source = architecture === "amd64" ? "install the package ipxe, or " : "";
    return [{ what, hint: `${source}name a directory that holds one with --ipxe-dir.` }];
  });
}

/** A program by its file, which may be replaced later; undefined where there is none. */
export async function readBootProgram(
  path: string,
  name = basename(path),
): Promise<ServedFile | undefined> {
  const file = await servedFile(path, name, "boot-program");
  return file && { ...file, identity: undefined };
}

async function firstOf(paths: readonly string[], name: string): Promise<ServedFile | undefined> {
  for (const path of paths) {
    const file = await readBootProgram(path, name);
    if (file !== undefined) return file;
  }
  return undefined;
}
