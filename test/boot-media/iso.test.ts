import assert from "node:assert/strict";
import {
  appendFile,
  chmod,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertRefusal } from "../cli/support/refusal.js";
import { baseName, baseWithout, imageOf } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import {
  copyOfProgram,
  type Outcome,
  ordinaryUser,
  outcomeOf,
  startProgram,
  succeed,
} from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";

const url = "http://10.0.0.1:8000/kairos";
const needed = ["xorriso", "mformat", "mmd", "mcopy", "grub-mkimage"];

describe("kairos-netboot iso", () => {
  let scratch: string;
  let release: string;
  let iso: string;
  let waiting: string;

  before(async () => {
    scratch = await sharedDirectory();
    await chmod(scratch, 0o755);
    release = join(scratch, "out");
    const words = ["--url", `${url}/`, "--cmdline", "x=1 dyndbg=+p", "--iso"];
    await ran(["extract", await baseImage(), "--platform=linux/amd64", "-o", release, ...words]);
    iso = join(release, `${baseName}-ipxe.iso`);
    waiting = join(scratch, "waiting.iso");
    await ran(["iso", "--wait-for-server", "-o", waiting]);
  });

  function run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return runCommand(args, { cwd: scratch, env });
  }

  async function ran(args: readonly string[]): Promise<void> {
    const { status, stderr } = await run(args);
    assert.equal(status, 0, stderr);
  }

  for (const [kind, path] of [
    ["an ISO for a release", () => iso],
    ["an ISO that waits", () => waiting],
  ] as const) {
    it(`makes ${kind} that BIOS and UEFI start from a CD`, async () => {
      const words = ["-no_rc", "-indev", path(), "-report_el_torito", "plain"];
      const { stdout } = await succeed("xorriso", words);
      const images = [...stdout.matchAll(/boot img : +\d +(\w+) +(\w) +(\w+)/g)];
      assert.deepEqual(
        images.map(([, platform, bootable, emulation]) => [platform, bootable, emulation]),
        [
          ["BIOS", "y", "none"],
          ["UEFI", "y", "none"],
        ],
      );
      assert.match(stdout, /img opts : +1 +boot-info-table isohybrid-suitable/);
    });

    it(`makes ${kind} that BIOS and UEFI start from a USB stick`, async () => {
      const { stdout } = await succeed("sfdisk", ["--json", path()]);
      const { partitiontable: table } = JSON.parse(stdout);
      assert.equal(table.label, "dos");
      const [whole, esp] = table.partitions;
      assert.deepEqual([whole.bootable, whole.start], [true, 0]);
      assert.equal(esp.type, "ef");
      const sector = await readFile(path());
      assert.equal(sector.readUInt16BE(510), 0x55aa);
      const listing = await succeed("mdir", [
        "-b",
        "-/",
        "-i",
        `${path()}@@${esp.start * 512}`,
        "::",
      ]);
      assert.match(listing.stdout, /^::\/EFI\/BOOT\/BOOTX64\.EFI$/m);
    });
  }

  it("makes a FAT file system without errors for fsck", async () => {
    for (const path of [iso, waiting]) {
      const image = join(await temporaryDirectory(), "esp.img");
      await writeFile(image, await fileIn(path, "boot/esp.img"));
      await succeed("fsck.vfat", ["-n", image]);
    }
  });

  it("includes the release's iPXE script with its URL", async () => {
    const script = (await fileIn(iso, "isolinux/script.ipxe")).toString();
    assert.match(script, /^#!ipxe\n/);
    assert.match(script, new RegExp(`^set url ${url}$`, "m"));
    assert.match(script, /^kernel .* x=1 dyndbg=\+p \$\{cmdline\}/m);
    assert.match((await fileIn(iso, "isolinux/isolinux.cfg")).toString(), /INITRD script\.ipxe/);
  });

  it("includes a GRUB configuration that grub-script-check accepts", async () => {
    for (const path of [iso, waiting]) {
      const file = join(await temporaryDirectory(), "grub.cfg");
      await writeFile(file, await grubConfigurationOf(path));
      await succeed("grub-script-check", [file]);
    }
  });

  it("makes GRUB fetch the release from its URL and boot it with its command line", async () => {
    const lines = (await grubConfigurationOf(iso)).split("\n").map((line) => line.trim());
    const kernel = lines.find((line) => line.startsWith("if linux")) ?? "";
    assert.ok(kernel.startsWith(`if linux '(http,10.0.0.1:8000)/kairos/${baseName}-kernel' `));
    assert.ok(kernel.includes(` 'root=live:${url}/${baseName}.squashfs' 'rd.neednet=1' `), kernel);
    assert.ok(kernel.endsWith(" 'x=1' 'dyndbg=+p'; then"), kernel);
    assert.doesNotMatch(kernel, /initrd=|config_url|\$/);
    const initrd = `if initrd '(http,10.0.0.1:8000)/kairos/${baseName}-initrd'; then`;
    assert.ok(lines.includes(initrd));
  });

  it("copies iPXE from the package into an ISO that waits, which contains no URL", async () => {
    const [bios, uefi] = ["isolinux/ipxe.lkrn", "ipxe/ipxe.efi"];
    assert.ok((await fileIn(waiting, bios)).equals(await readFile("/usr/lib/ipxe/ipxe.lkrn")));
    assert.ok((await fileIn(waiting, uefi)).equals(await readFile("/usr/lib/ipxe/ipxe.efi")));
    assert.match((await fileIn(waiting, "isolinux/script.ipxe")).toString(), /^autoboot /m);
    assert.ok(!(await readFile(waiting)).includes("http://10."));
  });

  it("makes the same bytes for every user, directory, umask and date", async () => {
    const program = await copyOfProgram();
    const cwd = await temporaryDirectory();
    await chmod(cwd, 0o777);
    // The programs run with a date in another year, which must not show up in the ISO.
    const bin = join(cwd, "bin");
    await mkdir(bin);
    for (const name of needed) {
      const script = `#!/bin/sh\nexec faketime '2031-05-06 07:08:09' /usr/bin/${name} "$@"\n`;
      await writeFile(join(bin, name), script, { mode: 0o755 });
    }
    await cp(release, join(cwd, "moved"), { recursive: true });
    await succeed("chmod", ["-R", "a+rX", cwd]);
    const prefix = [...ordinaryUser, "sh", "-c", 'umask 077; exec "$@"', "sh"];
    const env = { PATH: `${bin}:${process.env.PATH}`, TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8" };
    const options = { cwd, env, prefix, program };
    for (const [args, expected] of [
      [["iso", "moved", "-o", "a.iso"], iso],
      [["iso", "--wait-for-server", "-o", "b.iso"], waiting],
    ] as const) {
      const { status, stdout, stderr } = await runCommand(args, options);
      assert.equal(status, 0, stderr);
      await succeed("cmp", [expected, join(cwd, stdout.trim())]);
    }
  });

  it("makes the same bytes in all time zones if the image's time has no zone", async () => {
    const image = await imageOf([baseLayer], { config: { created: "2024-01-01T12:00:00" } });
    const cwd = await temporaryDirectory();
    for (const zone of ["Asia/Tokyo", "America/New_York"]) {
      const words = [
        "--platform=linux/amd64",
        "--url",
        url,
        "--iso",
        "--sbom",
        "-o",
        zone.slice(-4),
      ];
      const outcome = await runCommand(["extract", image, ...words], { cwd, env: { TZ: zone } });
      assert.equal(outcome.status, 0, outcome.stderr);
    }
    await succeed("diff", ["-r", "okyo", "York"], cwd);
  });

  it("is recorded in netboot.json and in SHA256SUMS by extract --iso", async () => {
    const { files } = JSON.parse(await readFile(join(release, "netboot.json"), "utf8"));
    assert.equal(files.iso.name, `${baseName}-ipxe.iso`);
    await succeed("sha256sum", ["--check", "--strict", "SHA256SUMS"], release);
  });

  it("is repeated by extract for another iPXE, but not for the same iPXE in another directory", async () => {
    const directory = await temporaryDirectory();
    const ipxe = join(directory, "ipxe");
    await mkdir(ipxe);
    for (const name of ["ipxe.lkrn", "ipxe.efi"]) {
      await copyFile(join("/usr/lib/ipxe", name), join(ipxe, name));
    }
    const output = join(directory, "out");
    const words = ["extract", await baseImage(), "--platform=linux/amd64", "-o", output];
    const extracted = async (...more: string[]) => {
      await ran([...words, "--url", url, "--iso", ...more]);
      return readFile(join(output, "SHA256SUMS"), "utf8");
    };
    const first = await extracted();
    assert.equal(await extracted("--ipxe-dir", ipxe), first);
    await appendFile(join(ipxe, "ipxe.lkrn"), "another");
    assert.notEqual(await extracted("--ipxe-dir", ipxe), first);
    const inIso = await fileIn(join(output, `${baseName}-ipxe.iso`), "isolinux/ipxe.lkrn");
    assert.ok(inIso.equals(await readFile(join(ipxe, "ipxe.lkrn"))));
    const hash = await succeed("sh", ["-c", "cat ipxe.lkrn ipxe.efi | sha256sum"], ipxe);
    const { options } = JSON.parse(await readFile(join(output, "netboot.json"), "utf8"));
    assert.equal(options.iso.ipxe, hash.stdout.slice(0, 64));
  });

  it("starts an iPXE directly that runs autoexec.ipxe", async () => {
    // A stand-in, because Debian has no such iPXE. The name of the script shows what iPXE supports.
    const directory = await temporaryDirectory();
    const newer = Buffer.from("\0autoexec.ipxe\0https\0");
    await copyFile("/usr/lib/ipxe/ipxe.lkrn", join(directory, "ipxe.lkrn"));
    await mkdir(join(directory, "x86_64-efi"));
    const program = Buffer.concat([await readFile("/usr/lib/ipxe/ipxe.efi"), newer]);
    await writeFile(join(directory, "x86_64-efi/ipxe.efi"), program);
    const made = join(directory, "a.iso");
    const words = ["--url", "https://example.com/a", "--ipxe-dir", directory, "-o", made];
    await ran(["iso", release, ...words]);
    const image = join(directory, "esp.img");
    await writeFile(image, await fileIn(made, "boot/esp.img"));
    for (const [name, expected] of [
      ["EFI/BOOT/BOOTX64.EFI", program],
      ["autoexec.ipxe", await fileIn(made, "isolinux/script.ipxe")],
    ] as const) {
      const copy = join(directory, "copy");
      await succeed("mcopy", ["-n", "-o", "-i", image, `::/${name}`, copy]);
      assert.ok((await readFile(copy)).equals(expected), name);
    }
  });

  const mistakes: [what: string, args: string[], message: RegExp, hint: RegExp][] = [
    [
      "neither a release nor --wait-for-server",
      [],
      /URL of the release's files/,
      /--url .*--wait-for-server/,
    ],
    ["a directory and --wait-for-server", ["out", "--wait-for-server"], /--wait/, /Omit/],
    ["--url and --wait-for-server", ["--wait-for-server", "--url", url], /--wait/, /Omit/],
    ["an invalid URL", ["out", "--url", "10.0.0.1"], /--url 10\.0\.0\.1/, /http/],
    [
      "HTTPS, which the iPXE of Debian's package does not support",
      ["out", "--url", "https://a/b"],
      /HTTPS/,
      /--ipxe-dir/,
    ],
    ["an IPv6 address", ["out", "--url", "http://[fd00::1]/b"], /IPv4/, /--ipxe-dir/],
    ["a missing --ipxe-dir", ["out", "--ipxe-dir", "none"], /none/, /--ipxe-dir/],
    ["an empty --output", ["out", "-o", ""], /--output/, /-o/],
  ];
  for (const [what, args, message, hint] of mistakes) {
    it(`rejects ${what}`, async () => {
      const before = await readdir(scratch);
      assertRefusal(await run(["iso", ...args]), { status: 2, message, hint });
      assert.deepEqual(await readdir(scratch), before);
    });
  }

  it("rejects a directory without a release", async () => {
    const directory = await temporaryDirectory();
    const outcome = await run(["iso", directory, "--url", url]);
    assertRefusal(outcome, { status: 1, message: /no netboot\.json/, hint: /extract/ });
  });

  it("makes an ISO for one of Kairos's old releases, which it recognizes by the file names", async () => {
    const directory = join(await temporaryDirectory(), "old");
    await mkdir(directory);
    const old = "kairos-ubuntu-v2.4.2-k3sv1.26.9+k3s1";
    await cp("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", join(directory, `${old}-kernel`));
    for (const suffix of ["-initrd", ".squashfs"]) {
      await writeFile(join(directory, `${old}${suffix}`), "");
    }
    const without = await run(["iso", directory]);
    assertRefusal(without, { status: 2, message: /URL of the release's files/, hint: /--url/ });
    await ran(["iso", directory, "--url", url, "-o", join(directory, "old.iso")]);
    const script = (await fileIn(join(directory, "old.iso"), "isolinux/script.ipxe")).toString();
    assert.match(script, /^kernel --name kairos-ubuntu-v2\.4\.2\S*-kernel .* nodepair\.enable /m);
    await writeFile(join(directory, "other.squashfs"), "");
    const several = await run(["iso", directory, "--url", url]);
    assertRefusal(several, { status: 1, message: /several squashfs/, hint: /NAME-kernel/ });
  });

  it("copes with any image reference", async () => {
    const directory = await temporaryDirectory();
    const description = JSON.parse(await readFile(join(release, "netboot.json"), "utf8"));
    description.source.reference = "dir:/home/jürgen/kairos\nforged";
    await writeFile(join(directory, "netboot.json"), JSON.stringify(description));
    const made = join(directory, "a.iso");
    await ran(["iso", directory, "-o", made]);
    const script = (await fileIn(made, "isolinux/script.ipxe")).toString();
    assert.match(script, /^# .*jürgen/m);
    assert.doesNotMatch(script, /^forged/m);
  });

  it("rejects a command line with a line break", async () => {
    const directory = await temporaryDirectory();
    const json = await readFile(join(release, "netboot.json"), "utf8");
    const description = JSON.parse(json);
    const words = `${description.commandLine}\nshell`;
    await writeFile(
      join(directory, "netboot.json"),
      JSON.stringify({ ...description, commandLine: words }),
    );
    const outcome = await run(["iso", directory, "--url", url]);
    assertRefusal(outcome, { status: 1, message: /a boot script cannot contain/, hint: /--force/ });
  });

  it("is rejected by extract --iso before it fetches the image", async () => {
    const words = ["extract", "localhost:1/none:1", "-o", "new", "--iso"];
    const without = await run([...words, "--platform=linux/amd64"]);
    assertRefusal(without, { status: 2, message: /--iso requires --url/, hint: /--url/ });
    const withBackslash = [...words, "--platform=linux/amd64", "--url", url, "--cmdline", "a=\\b"];
    const changed = await run(withBackslash);
    assertRefusal(changed, { status: 2, message: /a=\\b.*GRUB/, hint: /backslashes/ });
    for (const [line, message, hint] of [
      ['a="b', /quotation mark without its counterpart/, /Leave it out/],
      [`a=\${net0/mac}`, /cannot contain \$\{net0\/mac\}.*GRUB/, /value/],
    ] as const) {
      const place = ["--platform=linux/amd64", "--url", url];
      assertRefusal(await run([...words, ...place, "--cmdline", line]), {
        ...{ status: 2, message, hint },
      });
    }
    const arm64 = await run([...words, "--platform=linux/arm64", "--url", url]);
    assertRefusal(arm64, { status: 2, message: /amd64 only.*arm64/, hint: /serve/ });
  });

  const packages: Readonly<Record<string, RegExp>> = {
    xorriso: /apt-get install xorriso$/,
    mformat: /apt-get install mtools$/,
    "grub-mkimage": /apt-get install grub-common$/,
  };
  for (const [name, hint] of Object.entries(packages)) {
    it(`names the Debian package if ${name} is missing`, async () => {
      const bin = await temporaryDirectory();
      for (const other of ["node", ...needed.filter((it) => it !== name)]) {
        await symlink(other === "node" ? process.execPath : `/usr/bin/${other}`, join(bin, other));
      }
      const outcome = await run(["iso", release, "-o", "no.iso"], { PATH: bin });
      assertRefusal(outcome, { status: 5, message: new RegExp(name), hint });
      assert.ok(!(await readdir(scratch)).includes("no.iso"));
    });
  }

  it("leaves nothing behind when it is interrupted", async () => {
    const bin = await temporaryDirectory();
    const started = join(bin, "started");
    const words = `#!/bin/sh\ntouch ${started}\nexec sleep 60\n`;
    await writeFile(join(bin, "xorriso"), words, { mode: 0o755 });
    const before = await readdir(scratch);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const child = startProgram(["iso", release, "-o", "new.iso"], { cwd: scratch, env });
    const outcome = outcomeOf(child);
    while (!(await readdir(bin)).includes("started")) {
      assert.equal(child.exitCode, null);
      await sleep(50);
    }
    child.kill("SIGINT");
    assert.equal((await outcome).status, 130);
    assert.deepEqual(await readdir(scratch), before);
  });

  it("keeps an existing file if a program fails", async () => {
    const bin = await temporaryDirectory();
    await writeFile(join(bin, "xorriso"), "#!/bin/sh\necho no room >&2\nexit 32\n", {
      mode: 0o755,
    });
    await writeFile(join(scratch, "kept.iso"), "earlier");
    const before = await readdir(scratch);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const outcome = await run(["iso", release, "-o", "kept.iso"], env);
    assertRefusal(outcome, { status: 1, message: /xorriso failed: no room\./, hint: /./ });
    assert.equal(await readFile(join(scratch, "kept.iso"), "utf8"), "earlier");
    assert.deepEqual(await readdir(scratch), before);
  });
});

/** A file of the ISO, by its Rock Ridge name. */
async function fileIn(iso: string, name: string): Promise<Buffer> {
  const directory = await temporaryDirectory();
  const output = join(directory, "file");
  const words = ["-no_rc", "-osirrox", "on", "-indev", iso, "-extract", `/${name}`, output];
  await succeed("xorriso", words);
  return readFile(output);
}

/** The configuration in the tar archive that GRUB's program contains. */
async function grubConfigurationOf(iso: string): Promise<string> {
  const directory = await temporaryDirectory();
  const [image, program, disk] = ["esp.img", "grub.efi", "disk.tar"].map((name) =>
    join(directory, name),
  );
  await writeFile(image!, await fileIn(iso, "boot/esp.img"));
  await succeed("mcopy", ["-n", "-i", image!, "::/EFI/BOOT/BOOTX64.EFI", program!]);
  const bytes = await readFile(program!);
  // The magic number is at offset 257 of a header (POSIX.1-1988).
  const at = bytes.indexOf("ustar\u000000") - 257;
  assert.ok(at >= 0);
  await writeFile(disk!, bytes.subarray(at));
  const words = ["--extract", "--to-stdout", "--file", disk!, "grub.cfg"];
  return (await succeed("tar", words)).stdout;
}

async function baseImage(): Promise<string> {
  return imageOf([baseWithout()]);
}
