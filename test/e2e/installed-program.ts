import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { copyOfProgram } from "../extract/support/run-netboot.js";
import { checkout } from "../support/checkout.js";

const run = promisify(execFile);

export const programPath = join(checkout, "bin/kairos-netboot.js");

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

export async function ordinaryUser(): Promise<User> {
  const directory = await mkdtemp(join(tmpdir(), "kairos-netboot-nobody-"));
  await chmod(directory, 0o755);
  await chown(directory, nobodyUser.uid, nobodyUser.gid);
  return { ...nobodyUser, directory };
}

/** Runs `kairos-netboot extract` as a user, with an empty cache, and returns the output directory. */
export async function extract(user: User, reference: string): Promise<string> {
  const { uid, gid, directory } = user;
  const output = join(directory, "out");
  const program = join(await copyOfProgram(), "bin/kairos-netboot.js");
  await run(process.execPath, [program, "extract", reference, "-o", output], {
    uid,
    gid,
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, TMPDIR: directory },
    maxBuffer: 1 << 26,
  });
  return output;
}
