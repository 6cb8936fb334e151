import { execFile } from "node:child_process";
import { chmod, chown, cp, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The checkout, relative to `.build/test/e2e/`. */
export const checkoutDirectory = join(import.meta.dirname, "../../..");

export const programPath = join(checkoutDirectory, "bin/kairos-netboot.js");

/** The user who runs the program, and their directory for home, temporary files and output. */
export interface User {
  uid: number;
  gid: number;
  directory: string;
}

const nobodyUser = { uid: 65534, gid: 65534 };

export async function rootUser(): Promise<User> {
  return { uid: 0, gid: 0, directory: await mkdtemp(join(tmpdir(), "kairos-netboot-root-")) };
}

/** An ordinary user, with copies of the program and of Node that they can run wherever those are. */
export async function ordinaryUser(): Promise<User> {
  const directory = await mkdtemp(join(tmpdir(), "kairos-netboot-nobody-"));
  await chmod(directory, 0o755);
  await chown(directory, nobodyUser.uid, nobodyUser.gid);
  await copyProgram(join(directory, "program"));
  await cp(process.execPath, join(directory, "program/node"));
  await run("chmod", ["-R", "a+rX", join(directory, "program")]);
  return { ...nobodyUser, directory };
}

/** Copies what an installation contains: the program and its run-time dependencies. */
async function copyProgram(destination: string): Promise<void> {
  await mkdir(destination);
  const listed = await run("npm", ["ls", "--omit=dev", "--all", "--parseable"], {
    cwd: checkoutDirectory,
  });
  const packages = listed.stdout
    .split("\n")
    .map((path) => relative(checkoutDirectory, path))
    .filter((name) => name.startsWith("node_modules/"));
  for (const name of ["package.json", "bin", "dist", ...packages]) {
    await cp(join(checkoutDirectory, name), join(destination, name), { recursive: true });
  }
}

/** Runs `kairos-netboot extract` as a user, with an empty cache, and returns the output directory. */
export async function extract(user: User, reference: string): Promise<string> {
  const { uid, gid, directory } = user;
  const output = join(directory, "out");
  const program = uid === 0 ? checkoutDirectory : join(directory, "program");
  await run(
    uid === 0 ? process.execPath : join(program, "node"),
    [join(program, "bin/kairos-netboot.js"), "extract", reference, "-o", output],
    {
      uid,
      gid,
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, TMPDIR: directory },
      maxBuffer: 1 << 26,
    },
  );
  return output;
}
