import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { demoRelease } from "../extract/support/demo-release.js";
import { runCommand } from "../extract/support/run-command.js";
import { runProgram, succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { find, release, shell, verify, version } from "./support/extracted-release.js";

interface Case {
  readonly name: string;
  /** Shell script that runs in the directory before the checksums are made. */
  readonly before?: string;
  /** Shell script that runs after that. */
  readonly after?: string;
  readonly check: string;
  readonly what: RegExp;
}

/** Each case is the only fault in an otherwise good release. */
const faults: readonly Case[] = [
  {
    name: "a file with a changed byte",
    after: "printf x | dd of=r.squashfs bs=1 seek=200 conv=notrunc status=none",
    check: "sums",
    what: /r\.squashfs is not the file that SHA256SUMS lists/,
  },
  {
    name: "a file that is missing",
    after: "rm r-initrd",
    check: "sums",
    what: /r-initrd is missing/,
  },
  {
    name: "a file that SHA256SUMS leaves out",
    after: "sed -i /initrd/d SHA256SUMS",
    check: "sums",
    what: /r-initrd is not in SHA256SUMS/,
  },
  {
    name: "checksums with a name outside of the directory",
    after: "sed 's/ r-kernel/ ..\\/r-kernel/' -i SHA256SUMS",
    check: "sums",
    what: /SHA256SUMS is not a list of the kind that sha256sum writes/,
  },
  {
    name: "checksums that are random bytes",
    after: "head -c 100 /dev/urandom >SHA256SUMS",
    check: "sums",
    what: /SHA256SUMS is not/,
  },
  {
    name: "a netboot.json that is not one",
    after: "echo '{}' >netboot.json",
    check: "description",
    what: /netboot\.json is not a netboot\.json of a known version/,
  },
  {
    name: "a text as the kernel",
    before: "seq 1000 >r-kernel",
    check: "kernel",
    what: /r-kernel is not a kernel/,
  },
  {
    name: "an empty kernel",
    before: ": >r-kernel",
    check: "kernel",
    what: /r-kernel is not a kernel/,
  },
  {
    name: "an ELF file as the kernel",
    before: "cp /bin/true r-kernel",
    check: "kernel",
    what: /r-kernel is not a kernel/,
  },
  {
    name: "a kernel that is truncated",
    before: "truncate -s 1100 r-kernel",
    check: "kernel",
    what: /r-kernel is truncated/,
  },
  {
    name: "a compressed text as the kernel",
    before: "seq 1000 | gzip >r-kernel",
    check: "kernel",
    what: /r-kernel is not a kernel/,
  },
  {
    name: "an initrd that is truncated",
    before: "truncate -s -12 r-initrd",
    check: "initrd",
    what: /r-initrd (is cut short|cannot be unpacked)/,
  },
  {
    name: "an initrd with a changed byte",
    before: "printf x | dd of=r-initrd bs=1 seek=150 conv=notrunc status=none",
    check: "initrd",
    what: /r-initrd (cannot be unpacked|has)/,
  },
  {
    name: "an uncompressed initrd that is truncated",
    before: "head -c 900 ../plain.cpio >r-initrd",
    check: "initrd",
    what: /r-initrd ends in the middle of a cpio archive/,
  },
  {
    name: "a compressed initrd whose archive is truncated",
    before: "head -c 900 ../plain.cpio | gzip >r-initrd",
    check: "initrd",
    what: /r-initrd ends in the middle of a cpio archive/,
  },
  {
    name: "an initrd that is a compressed text",
    before: "seq 1000 | gzip >r-initrd",
    check: "initrd",
    what: /r-initrd contains compressed data that are not a cpio/,
  },
  {
    name: "an initrd that is a text",
    before: "echo text >r-initrd",
    check: "initrd",
    what: /r-initrd has something at byte 0/,
  },
  {
    name: "an empty initrd",
    before: ": >r-initrd",
    check: "initrd",
    what: /r-initrd contains no files/,
  },
  {
    name: "an initrd with trailing bytes",
    before: "echo text >>r-initrd",
    check: "initrd",
    what: /r-initrd has something at byte \d+ that is neither/,
  },
  {
    name: "a zstd initrd that is truncated",
    before: "zstd -q <../plain.cpio | head -c 100 >r-initrd",
    check: "initrd",
    what: /r-initrd cannot be unpacked/,
  },
  {
    name: "an xz initrd that is truncated",
    before: "xz <../plain.cpio | head -c 100 >r-initrd",
    check: "initrd",
    what: /r-initrd cannot be unpacked/,
  },
  {
    name: "a squashfs that is not one",
    before: "seq 1000 >r.squashfs",
    check: "squashfs",
    what: /r\.squashfs is not a squashfs/,
  },
  {
    name: "a squashfs that is truncated",
    before: "truncate -s 200 r.squashfs",
    check: "squashfs",
    what: /r\.squashfs is truncated/,
  },
  {
    name: "a squashfs with damaged directories",
    before: "dd if=/dev/zero of=r.squashfs bs=1 seek=120 count=250 conv=notrunc status=none",
    check: "squashfs",
    what: /r\.squashfs cannot be listed/,
  },
  {
    name: "an initrd of another kernel",
    before:
      "(cd ../tree && mv usr/lib/modules/* usr/lib/modules/9.9.9 && find . | cpio -o -H newc --quiet | gzip) >r-initrd",
    check: "modules",
    what: /r-initrd contains modules of 9\.9\.9, but the kernel is 0\.1\.0-demo/,
  },
  {
    name: "a squashfs of another kernel",
    before:
      "mv ../tree/usr/lib/modules/* ../tree/usr/lib/modules/9.9.9; mksquashfs ../tree r.squashfs -noappend -quiet -no-progress >/dev/null",
    check: "modules",
    what: /r\.squashfs contains modules of 9\.9\.9/,
  },
  {
    name: "a script that names a missing file",
    before: `printf '#!ipxe\\nset url http://192.0.2.1/\\nkernel \${url}r-kernel root=live:\${url}x.squashfs initrd=r-initrd\\ninitrd \${url}r-initrd\\nboot\\n' >r.ipxe`,
    check: "script",
    what: /names files that do not exist: x\.squashfs/,
  },
  {
    name: "a script that is not one",
    before: "echo kernel r-kernel >r.ipxe",
    check: "script",
    what: /does not begin with #!ipxe/,
  },
];

describe("verify", () => {
  it("accepts a directory that extract made", async () => {
    const directory = await demoRelease();
    const { status, checks, stderr } = await verify(directory);
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      checks.filter(({ status }) => status === "failed"),
      [],
    );
    for (const name of ["description", "sums", "kernel", "initrd", "squashfs"]) {
      assert.equal(find(checks, name).status, "ok", name);
    }
  });

  it("checks a directory without netboot.json", async () => {
    const script = `#!ipxe\\nset url http://192.0.2.1/a\\nkernel \${url}/r-kernel initrd=r-initrd root=live:\${url}/r.squashfs\\ninitrd \${url}/r-initrd || goto failed\\nboot\\n`;
    const { status, checks } = await verify(await release(`printf '${script}' >r.ipxe`));
    assert.equal(status, 0);
    const found = checks.map(({ check, status }) => `${check} ${status}`);
    assert.deepEqual(found, [
      "description unchecked",
      ...Array(4).fill("sums ok"),
      ...["kernel ok", "initrd ok", "squashfs ok", "modules ok", "modules ok"],
      ...["netboot unchecked", "script ok"],
    ]);
    assert.match(find(checks, "kernel").what, new RegExp(`bzImage for amd64, version ${version}`));
    assert.match(find(checks, "script").what, /r-kernel, r\.squashfs, r-initrd$/);
  });

  it("rejects a provenance.json about other files or another image", async () => {
    const directory = await demoRelease();
    assert.equal(find((await verify(directory)).checks, "provenance").status, "ok");
    for (const [change, what] of [
      ['s/"sha256": "017d/"sha256": "0000/', /does not name the image/],
      ['0,/"sha256": "..../s//"sha256": "0000/', /is about another version of kairos-demo/],
      ["s/slsa/salsa/", /is not an SLSA statement/],
    ] as const) {
      await shell(
        `cp provenance.json ../kept; sed -i '${change}' provenance.json; sha256sum $(cut -c 67- SHA256SUMS) >../sums; mv ../sums SHA256SUMS`,
        directory,
      );
      const { status, checks } = await verify(directory);
      assert.equal(status, 1);
      assert.match(find(checks, "provenance").what, what);
      await shell("mv ../kept provenance.json", directory);
    }
  });

  it("rejects a provenance.json that leaves a file out or states no digest", async () => {
    const directory = await demoRelease();
    const path = join(directory, "provenance.json");
    const kept = await readFile(path, "utf8");
    type Subject = { name: string; digest: Record<string, string> };
    const cases: [change: (subjects: Subject[]) => Subject[], what: RegExp][] = [
      [
        (all) => all.filter(({ name }) => !name.endsWith(".squashfs")),
        /does not list .*\.squashfs/,
      ],
      [(all) => all.filter(({ name }) => !name.endsWith("-kernel")), /does not list .*-kernel/],
      [
        ([one, ...rest]) => [{ ...one!, digest: { md5: "0" } }, ...rest],
        /states no SHA-256 of kairos/,
      ],
      [(all) => [...all, { name: "other", digest: {} }], /states no SHA-256 of other/],
      [
        (all) => [...all, { name: "other", digest: { sha256: "00" } }],
        /other, which no other list/,
      ],
    ];
    for (const [change, what] of cases) {
      const statement = JSON.parse(kept);
      await writeFile(path, JSON.stringify({ ...statement, subject: change(statement.subject) }));
      const found = find((await verify(directory)).checks, "provenance");
      assert.equal(found.status, "failed");
      assert.match(found.what, what);
    }
    await writeFile(path, kept);
    await rm(join(directory, "SHA256SUMS"));
    const without = find((await verify(directory)).checks, "provenance");
    assert.equal(without.status, "ok", without.what);
  });

  it("reports missing checksums as not checked", async () => {
    const { status, checks } = await verify(await release("true", "rm SHA256SUMS"));
    assert.equal(status, 0);
    assert.equal(find(checks, "sums").status, "unchecked");
  });

  for (const { name, before, after, check, what } of faults) {
    it(`finds ${name}`, async () => {
      const { status, checks, error } = await verify(await release(before, after));
      const found = find(checks, check);
      assert.equal(found.status, "failed", JSON.stringify(checks));
      assert.match(found.what, what);
      assert.equal(status, 1);
      assert.equal(error?.code, "CHECK_FAILED");
    });
  }

  it("prints a line for each check, and the number of failures", async () => {
    const directory = await release("true", "rm r.squashfs");
    const { status, stdout, stderr } = await runProgram(["verify", directory], { cwd: directory });
    assert.equal(status, 1);
    for (const line of stdout.trimEnd().split("\n")) {
      assert.match(line, /^(ok {9}|warning {4}|FAILED {5}|not checked) {2}[a-z]+: \S.*$/);
    }
    assert.match(stdout, /^FAILED {7}sums: r\.squashfs is missing$/m);
    assert.match(stderr, /^kairos-netboot: 2 of \d+ checks failed\.$/m);
  });

  it("checks several directories, and names the directory in each line", async () => {
    const [good, bad] = [await release(), await release("true", "rm r.squashfs")];
    const { status, stdout } = await runCommand(["verify", good, bad], { cwd: "/" });
    assert.equal(status, 1);
    const lines = stdout.trimEnd().split("\n");
    assert.ok(lines.some((line) => line.startsWith(`ok           ${good}: kernel: `)));
    const failed = lines.filter((line) => line.startsWith("FAILED"));
    assert.equal(failed.length, 2);
    assert.ok(failed.every((line) => line.includes(`  ${bad}: `)));
  });

  it("continues after a directory that contains nothing to check", async () => {
    const [good, empty] = [await release(), await temporaryDirectory()];
    const { status, stdout, stderr } = await runCommand(["verify", empty, good], { cwd: "/" });
    assert.equal(status, 1);
    const lines = stdout.trimEnd().split("\n");
    assert.ok(lines[0]?.startsWith(`FAILED       ${empty}: description: The directory`), stdout);
    assert.ok(lines.some((line) => line.startsWith(`ok           ${good}: squashfs: `)));
    assert.match(stderr, /^kairos-netboot: 1 of \d+ checks failed\.$/m);
  });

  it("does not take a file name for an option", async () => {
    const dashes =
      "mv r-kernel ./-r-kernel; mv r-initrd ./-r-initrd; mv r.squashfs ./-r.squashfs; touch r-x r.x";
    const directory = await release(dashes, "rm r-x r.x SHA256SUMS");
    const { status, stdout } = await runCommand(["verify", "."], { cwd: directory });
    assert.match(stdout, /^ok {11}squashfs: -r\.squashfs is complete: \d+ entries$/m);
    assert.equal(status, 0);
  });

  it("prints only failures with --quiet", async () => {
    const directory = await release("true", "rm r.squashfs");
    const { stdout } = await runCommand(["verify", directory, "-q"], { cwd: directory });
    assert.deepEqual(stdout.match(/^\w+/gm), ["FAILED", "FAILED"]);
  });

  it("does not wait for a pipe, or read a device to its end", { timeout: 60_000 }, async () => {
    const names = ["r-kernel", "r-initrd", "r.squashfs", "netboot.json", "SHA256SUMS", "r.ipxe"];
    for (const make of ["mkfifo", "ln -s /dev/zero"]) {
      for (const name of names) {
        const directory = await release("true", `rm -f ${name}; ${make} ${name}`);
        const { status, checks } = await verify(directory);
        const failed = checks.filter(({ status }) => status === "failed");
        assert.ok(name === "SHA256SUMS" || failed.length > 0, `${make} ${name}`);
        assert.equal(status, failed.length > 0 ? 1 : 0);
      }
    }
  });

  it("checks each of several releases in one directory", async () => {
    const several = "for f in r-* r.*; do cp $f o$f; done; truncate -s 1100 or-kernel";
    const { status, checks } = await verify(await release(several));
    assert.equal(status, 1);
    const kernels = checks.filter(({ check }) => check === "kernel");
    assert.deepEqual(
      kernels.map(({ status }) => status),
      ["failed", "ok"],
    );
    // Two of the good one, and one that tells why the other's cannot be looked at.
    const modules = checks.filter(({ check }) => check === "modules").map(({ status }) => status);
    assert.deepEqual(modules, ["unchecked", "ok", "ok"]);
  });

  it("checks a single kernel, initrd, and squashfs under other names", async () => {
    const renamed =
      "mv r-kernel vmlinuz; mv r-initrd initrd.img; mv r.squashfs root.squashfs; touch r-x r.x";
    const { status, checks } = await verify(
      await release(renamed, "sha256sum vmlinuz initrd.img root.squashfs >SHA256SUMS"),
    );
    assert.equal(status, 0, JSON.stringify(checks));
    assert.match(find(checks, "kernel").what, /^vmlinuz is a bzImage/);
    assert.match(find(checks, "modules").what, /^initrd\.img contains the modules/);
  });

  it("refuses a directory without a release, with an ambiguous one, or a missing directory", async () => {
    const empty = await temporaryDirectory();
    const unclear = await release(
      "cp r-kernel vmlinuz; mv r-kernel kernel; mv r-initrd initrd; touch r-x",
    );
    for (const [directory, message] of [
      [empty, /contains no release/],
      [unclear, /contains several files with the name of a kernel/],
      [join(empty, "none"), /There is no directory/],
    ] as const) {
      const { status, stderr } = await runCommand(["verify", directory], { cwd: "/" });
      assert.equal(status, 1);
      assert.match(stderr, message);
    }
  });
});

describe("verify, checking initrds", () => {
  const early =
    "(mkdir -p e/kernel/x86/microcode && echo x >e/kernel/x86/microcode/GenuineIntel.bin && cd e && find kernel | cpio -o -H newc --quiet) >early.cpio";
  const kinds: Readonly<Record<string, readonly [make: string, parts: string]>> = {
    "an uncompressed one": ["cat plain.cpio", "uncompressed"],
    gzip: ["gzip <plain.cpio", "gzip"],
    zstd: ["zstd -q <plain.cpio", "zstd"],
    xz: ["xz --check=crc32 <plain.cpio", "xz"],
    "lz4, as mkinitrd has it": ["lz4 -l -q <plain.cpio", "lz4"],
    "lz4 frames": ["lz4 -q <plain.cpio", "lz4"],
    bzip2: ["bzip2 <plain.cpio", "bzip2"],
    lzma: ["xz --format=lzma <plain.cpio", "lzma"],
    "microcode before it": ["cat early.cpio; zstd -q <plain.cpio", "cpio + zstd"],
    "microcode before a gzip one": ["cat early.cpio; gzip <plain.cpio", "cpio + gzip"],
    "two compressed ones": ["gzip <plain.cpio; gzip <early.cpio", "gzip + gzip"],
    "a plain one behind a compressed one": [
      "gzip <plain.cpio >a; cat a; head -c $((512 - $(stat -c %s a) % 512)) /dev/zero; cat early.cpio",
      "gzip + cpio",
    ],
    "the form with checksums": ["cd tree && find . | cpio -o -H crc --quiet", "uncompressed"],
  };
  for (const [name, [make, parts]] of Object.entries(kinds)) {
    it(`lists an initrd to its end: ${name}`, async () => {
      const directory = await release(`cd ..; ${early}; (${make}) >out/r-initrd`);
      const { checks } = await verify(directory);
      const { status, what } = find(checks, "initrd");
      assert.equal(status, "ok", what);
      // Each archive is listed by cpio itself.
      const archives = /early/.test(make) ? "plain.cpio early.cpio" : "plain.cpio";
      const listed = await shell(
        `for a in ${archives}; do cpio -it --quiet <$a; done | wc -l`,
        join(directory, ".."),
      );
      assert.ok(what.endsWith(`${listed.trim()} entries (${parts})`), what);
      assert.equal(find(checks, "modules").status, "ok");
    });
  }

  const dracut =
    "mkdir -p tree/usr/lib/dracut tree/usr/bin; touch tree/usr/bin/curl; echo network-manager dmsquash-live livenet >tree/usr/lib/dracut/modules.txt";
  const drivers = `mkdir tree/usr/lib/modules/${version}/kernel; touch tree/usr/lib/modules/${version}/kernel/squashfs.ko tree/usr/lib/modules/${version}/kernel/overlay.ko`;
  const pack = "(cd tree && find . | cpio -o -H newc --quiet) >out/r-initrd";
  const builtIn = `mkdir -p root/usr/lib/modules/${version} root/boot
    echo kernel/fs/squashfs/squashfs.ko >root/usr/lib/modules/${version}/modules.builtin
    echo CONFIG_OVERLAY_FS=y >root/boot/config-${version}
    mksquashfs root out/r.squashfs -noappend -quiet -no-progress >/dev/null`;
  const netboot: Readonly<
    Record<string, readonly [make: string, status: string, what: string | RegExp]>
  > = {
    "one of dracut that can": [`${dracut}; ${drivers}`, "ok", /^r-initrd, made by dracut, can/],
    "one without drivers": [
      dracut,
      "warning",
      "r-initrd cannot netboot: it lacks the driver squashfs and the driver overlay",
    ],
    "one whose drivers are built in": [`${dracut}; ${builtIn}`, "ok", /can netboot/],
    "one of another program": ["true", "unchecked", /neither dracut nor mkinitfs made it/],
  };
  for (const [name, [make, status, what]] of Object.entries(netboot)) {
    it(`says whether an initrd can netboot: ${name}`, async () => {
      const found = await verify(await release(`cd ..; ${make}; ${pack}`));
      const check = find(found.checks, "netboot");
      assert.equal(check.status, status, check.what);
      if (typeof what === "string") assert.equal(check.what, what);
      else assert.match(check.what, what);
      assert.equal(found.status, 0);
    });
  }

  it("names the package of a missing decompressor", async () => {
    const directory = await release("xz <../plain.cpio >r-initrd");
    const path = await temporaryDirectory();
    const unsquashfs = (await shell("command -v unsquashfs", "/")).trim();
    await succeed("ln", ["-s", unsquashfs, path]);
    const { status, stdout } = await runCommand(["verify", directory], {
      cwd: "/",
      env: { PATH: path },
    });
    assert.equal(status, 0);
    assert.match(stdout, /^not checked {2}initrd: .*xz.*apt-get install xz-utils/m);
  });
});

describe("verify, checking kernels", () => {
  // Documentation/arch/arm64/booting.rst: the magic number is at byte 56.
  const image =
    "(head -c 56 /dev/zero; printf 'ARM\\144'; head -c 100000 /dev/zero; printf 'Linux version 6.6.31-0-lts (gcc) #1'; head -c 50000 /dev/zero)";
  const uki =
    "cp /usr/lib/systemd/boot/efi/linuxx64.efi.stub u; printf 6.8.0-test >uname; cp r-kernel k; objcopy --add-section .uname=uname --change-section-vma .uname=0x1000000 --add-section .linux=k --change-section-vma .linux=0x2000000 u r-kernel; rm u k uname";
  const kinds: Readonly<Record<string, readonly [make: string, what: RegExp]>> = {
    "an arm64 Image": [`${image} >r-kernel`, /an Image for arm64, version 6\.6\.31-0-lts$/],
    "a gzipped one": [
      `${image} | gzip >r-kernel`,
      /a compressed Image for arm64, version 6\.6\.31-0-lts$/,
    ],
    "a UKI": [uki, /a UKI for amd64, version 6\.8\.0-test$/],
    "an EFI program": [
      "cp /usr/lib/systemd/boot/efi/systemd-bootx64.efi r-kernel",
      /an EFI program for amd64$/,
    ],
  };
  for (const [name, [make, expected]] of Object.entries(kinds)) {
    it(`recognizes ${name}`, async () => {
      const { checks } = await verify(await release(make));
      const { status, what } = find(checks, "kernel");
      assert.equal(status, "ok", what);
      assert.match(what, expected);
    });
  }

  it("rejects a truncated gzipped Image", async () => {
    const { checks } = await verify(await release(`${image} | gzip | head -c -10 >r-kernel`));
    assert.match(find(checks, "kernel").what, /is a damaged compressed Image/);
  });
});
