import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  lchown,
  link,
  lutimes,
  mkdir,
  open,
  readdir,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Creates a real tree with everything that any format can store. Needs root. */
export async function growTree(root: string): Promise<void> {
  await growUstarTree(root);
  await writeFile(join(root, "huge-owner"), "x");
  await chown(join(root, "huge-owner"), 4_000_000_000, 3_999_999_999);
  await growLongNames(root);
  await growSparse(join(root, "sparse"));
  await growXattrs(join(root, "xattrs"));
  await utimes(join(root, "huge-owner"), 1_234_567_890.75, 1_234_567_890.75);
  await writeFile(join(root, "before-1970"), "x");
  await utimes(join(root, "before-1970"), -1000, -1000);
  await settleTimes(root);
}

/** Creates a tree that ustar and v7 can store, too. */
export async function growUstarTree(root: string): Promise<void> {
  const path = (name: string) => join(root, name);
  for (const name of ["d", "d/e", "d/empty", "modes", "links"]) await mkdir(path(name));
  await writeFile(path("empty"), "");
  for (const size of [1, 511, 512, 513, 100_000]) {
    await writeFile(path(`d/f${size}`), Buffer.alloc(size, `${size} `));
  }
  for (const mode of [0o4755, 0o2755, 0o1644, 0o600, 0o000]) {
    await writeFile(path(`modes/${mode}`), "x");
    await chown(path(`modes/${mode}`), mode, 1000);
    await chmod(path(`modes/${mode}`), mode);
  }
  await chmod(path("modes"), 0o3771);
  await writeFile(path("links/a"), "shared");
  await link(path("links/a"), path("links/b"));
  await link(path("links/a"), path("d/e/c"));
  await symlink("../d", path("links/relative"));
  await symlink("/etc/passwd", path("links/absolute"));
  await symlink("nowhere", path("links/dangling"));
  await lchown(path("links/dangling"), 12, 34);
  await link(path("links/dangling"), path("links/dangling2"));
  await writeFile(
    Buffer.concat([Buffer.from(`${root}/d/`), Buffer.from("\xff\xfe\x80", "latin1")]),
    "x",
  );
  await writeFile(path("d/line\nend"), "x");
  await writeFile(path("d/back\\slash"), "x");
  await writeFile(path("d/ümlaut"), "x");
  await settleTimes(root);
}

async function growLongNames(root: string): Promise<void> {
  const long = join(root, "long");
  const component = "n".repeat(100);
  const deep = join(long, component, component, component);
  await mkdir(deep, { recursive: true });
  for (const length of [98, 99, 100, 101, 155, 255]) {
    await writeFile(join(long, "f".repeat(length)), "x");
  }
  await writeFile(join(deep, "file"), "deep");
  await link(join(deep, "file"), join(deep, "linked"));
  await link(join(deep, "file"), join(root, "linked-from-afar"));
  for (const length of [99, 100, 101, 300]) {
    await symlink(`/${"t".repeat(length - 1)}`, join(long, `absolute-${length}`));
    await symlink(`../${"t".repeat(length - 3)}`, join(long, `relative-${length}`));
  }
  const devices = join(root, "devices");
  await mkdir(devices);
  await run("mknod", ["-m", "666", join(devices, "null"), "c", "1", "3"]);
  await run("mknod", ["-m", "640", join(devices, "nvme"), "b", "259", "70000"]);
  await run("mkfifo", ["-m", "622", join(devices, "pipe")]);
  await link(join(devices, "null"), join(devices, "null2"));
}

async function growSparse(directory: string): Promise<void> {
  await mkdir(directory);
  const sparse = async (name: string, size: number, at: readonly number[]) => {
    const file = await open(join(directory, name), "w");
    for (const offset of at) await file.write(Buffer.alloc(5_000, `${offset} `), 0, 5_000, offset);
    await file.truncate(size);
    await file.close();
  };
  await sparse("hole", 150_000, []);
  await sparse("head", 150_000, [0]);
  await sparse("tail", 150_000, [145_000]);
  await sparse("middle", 150_000, [40_000, 80_001]);
  const many = Array.from({ length: 50 }, (_, index) => index * 16_384);
  await sparse("many", 900_000, many);
  await sparse("name".repeat(40), 100_000, [50_000]);
}

async function growXattrs(directory: string): Promise<void> {
  await mkdir(directory);
  await mkdir(join(directory, "d"));
  await writeFile(join(directory, "f"), "x");
  await symlink("f", join(directory, "s"));
  const set = (name: string, value: string, path: string) =>
    run("setfattr", ["-h", "-n", name, "-v", value, join(directory, path)]);
  await set("security.capability", "0x0100000200200000000000000000000000000000", "f");
  await set("user.bytes", "0x00ff0a3d0d80", "f");
  await set("user.text", "text with = and blanks", "d");
  await set("trusted.t", "0x00", "d");
  await set("trusted.t", "on a symlink", "s");
}

/** Sets fixed times everywhere. */
async function settleTimes(directory: string): Promise<void> {
  let time = 1_400_000_000.5;
  for (const entry of await readdir(directory, {
    withFileTypes: true,
    recursive: true,
    encoding: "utf8",
  })) {
    time += 1;
    if (entry.name.includes("\ufffd") || entry.name === "before-1970") continue;
    const path = join(entry.parentPath, entry.name);
    await lutimes(path, time, time);
  }
}
