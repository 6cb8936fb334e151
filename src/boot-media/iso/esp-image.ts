import { stat } from "node:fs/promises";
import { requireProgram, runProgram } from "../../support/index.js";

const sectorBytes = 512;
/** Sectors per track times heads. mtools needs no further options for whole cylinders. */
const cylinderSectors = 32 * 2;

export interface EspImageOptions {
  /** Names in the file system, with slashes, and the paths of the files to put there. */
  readonly files: ReadonlyMap<string, string>;
  /** The file to make. */
  readonly image: string;
  /** The time of all files; seconds since 1970. */
  readonly time: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes an EFI system partition, the FAT file system that UEFI firmware boots from, with mtools. It
 * does not depend on the time or the user.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED
 */
export async function makeEspImage(options: EspImageOptions): Promise<void> {
  const { files, image, time, signal } = options;
  const env = { SOURCE_DATE_EPOCH: String(time), MTOOLS_SKIP_CHECK: "1", MTOOLSRC: "/dev/null" };
  const run = async (name: string, args: readonly string[]) => {
    const program = await requireProgram(name, "mtools");
    await runProgram(program, ["-i", image, ...args], { env, signal });
  };
  const sectors = await sectorsFor([...files.values()]);
  const geometry = ["-T", String(sectors), "-h", "2", "-s", "32"];
  // mformat would derive a serial number from the time.
  await run("mformat", ["-C", ...geometry, "-N", "00000000", "::"]);
  for (const directory of directoriesOf([...files.keys()])) await run("mmd", [`::/${directory}`]);
  for (const [name, path] of files) await run("mcopy", [path, `::/${name}`]);
}

/** Enough for the files and FAT's own tables, rounded up to whole mebibytes. */
async function sectorsFor(paths: readonly string[]): Promise<number> {
  let bytes = 512 * 1024;
  for (const path of paths) bytes += (await stat(path)).size + 32 * 1024;
  const mebibytes = Math.ceil(bytes / (1024 * 1024));
  return Math.ceil((mebibytes * 1024 * 1024) / sectorBytes / cylinderSectors) * cylinderSectors;
}

/** Parents first. */
function directoriesOf(names: readonly string[]): string[] {
  const directories = new Set<string>();
  for (const name of names) {
    const parts = name.split("/").slice(0, -1);
    for (let count = 1; count <= parts.length; count += 1) {
      directories.add(parts.slice(0, count).join("/"));
    }
  }
  return [...directories];
}
