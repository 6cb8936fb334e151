import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { succeed } from "./run-netboot.js";

/** Why tests that mount something cannot run here; false where they can. */
export const cannotMount =
  spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).status !== 0 &&
  "mounting needs root";

/** Makes a small file system in memory; below a temporary directory, which unmounts it. */
export async function mountTmpfs(directory: string, bytes: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await succeed("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "none", directory]);
}

/** Has a directory show at another place, too; below a temporary directory, which unmounts it. */
export async function mountBind(source: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await succeed("mount", ["--bind", source, directory]);
}
