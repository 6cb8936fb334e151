import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A directory that goes away, with what is mounted below it, when the test has ended. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await newDirectory();
  after(() => remove(directory));
  return directory;
}

/** A directory that goes away when the process ends, for what several tests share. */
export async function sharedDirectory(): Promise<string> {
  const directory = await newDirectory();
  process.once("exit", () => remove(directory));
  return directory;
}

function newDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "kairos-netboot-test-"));
}

function remove(directory: string): void {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounted.reverse()) spawnSync("umount", [path]);
  rmSync(directory, { recursive: true, force: true });
}
