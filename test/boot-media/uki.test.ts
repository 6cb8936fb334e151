import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { makeUki, signEfiProgram, type UkiOptions } from "../../src/boot-media/index.js";
import { extract } from "../../src/extract/index.js";
import type { NetbootError } from "../../src/support/index.js";
import { baseName, baseWithout, imageOf } from "../extract/support/images.js";
import { demoImage, succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";

/** An EFI program for x64 from Debian. It can take the place of a kernel, which is one, too. */
const efiProgram = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
const stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
const url = "http://10.0.0.1/kairos";
const commandLine = `root=live:${url}/x.squashfs console=ttyS0 quiet="a b"`;
const osRelease = 'ID=kairos\nPRETTY_NAME="x"\n';

describe("makeUki", () => {
  let directory: string;
  let initrd: string;
  let path: string;

  before(async () => {
    directory = await sharedDirectory();
    initrd = join(directory, "initrd");
    // Longer than one chunk, and not a multiple of any block size.
    await writeFile(initrd, Buffer.alloc(3_000_001, "initrd "));
    path = await made("x.efi");
  });

  async function made(name: string, options: Partial<UkiOptions> = {}): Promise<string> {
    const output = join(directory, name);
    await makeUki({
      path: output,
      architecture: "amd64",
      kernel: efiProgram,
      initrd,
      commandLine,
      kernelVersion: "6.1.0-test",
      osRelease,
      ...options,
    });
    return output;
  }

  it("puts each part into the section that the stub expects", async () => {
    const parts: [section: string, bytes: Buffer][] = [
      [".osrel", Buffer.from(osRelease)],
      [".cmdline", Buffer.from(commandLine)],
      [".uname", Buffer.from("6.1.0-test")],
      [".initrd", await readFile(initrd)],
    ];
    for (const [section, bytes] of parts) {
      assert.ok((await contentsOf(path, section)).equals(bytes), section);
    }
    const [kernel, original] = [await contentsOf(path, ".linux"), await readFile(efiProgram)];
    assert.ok(kernel.subarray(0, original.length).equals(original));
  });

  it("appends its sections to those of the stub, in memory and in the file", async () => {
    const [own, all] = [await sectionsOf(stub), await sectionsOf(path)];
    assert.deepEqual(all.slice(0, own.length), own);
    const added = all.slice(own.length);
    assert.deepEqual(
      added.map(({ name }) => name),
      [".osrel", ".cmdline", ".uname", ".initrd", ".linux"],
    );
    for (const [index, section] of all.entries()) {
      const next = all[index + 1];
      if (index < own.length - 1 || next === undefined) continue;
      assert.ok(section.address + section.size <= next.address, `${section.name} in memory`);
      assert.ok(section.offset + section.size <= next.offset, `${section.name} in the file`);
      assert.equal(next.address % 4096, 0);
    }
  });

  it("reserves the memory that the kernel asks for", async () => {
    const { stdout } = await succeed("objdump", ["-p", efiProgram]);
    const wanted = Number.parseInt(/SizeOfImage\s+([0-9a-f]+)/.exec(stdout)![1]!, 16);
    // objdump does not print the virtual size, so read it from the section header.
    const bytes = await readFile(path);
    const at = bytes.indexOf(".linux\0\0", 0, "latin1");
    assert.equal(bytes.readUInt32LE(at + 8), wanted);
    const size = (await succeed("objdump", ["-p", path])).stdout;
    const total = Number.parseInt(/SizeOfImage\s+([0-9a-f]+)/.exec(size)![1]!, 16);
    assert.ok(total >= bytes.readUInt32LE(at + 12) + wanted);
  });

  it("makes the same bytes every time", async () => {
    await succeed("cmp", [path, await made("again.efi")]);
  });

  it("decompresses a compressed kernel", async () => {
    const kernel = join(directory, "kernel.gz");
    await writeFile(kernel, gzipSync(await readFile(efiProgram)));
    await succeed("cmp", [path, await made("gzip.efi", { kernel })]);
  });

  it("makes a file that signEfiProgram can sign, and sbverify accepts only the right certificate", async () => {
    const [ours, theirs] = [await keyPair(directory, "ours"), await keyPair(directory, "theirs")];
    const signed = await made("signed.efi");
    await signEfiProgram(signed, ours);
    await succeed("sbverify", ["--cert", ours.certificate, signed]);
    await assert.rejects(succeed("sbverify", ["--cert", theirs.certificate, signed]));
    assert.ok((await contentsOf(signed, ".cmdline")).equals(Buffer.from(commandLine)));
  });

  it("leaves the file unchanged if the key and the certificate do not belong together", async () => {
    const [ours, theirs] = [await keyPair(directory, "a"), await keyPair(directory, "b")];
    const unsigned = await made("unsigned.efi");
    const wrong = { key: theirs.key, certificate: ours.certificate };
    await assert.rejects(signEfiProgram(unsigned, wrong), { code: "SIGNING_FAILED" });
    await succeed("cmp", [path, unsigned]);
  });

  const unfit: [what: string, content: string | Buffer, message: RegExp][] = [
    ["is not an EFI program", "a kernel", /not an EFI program/],
    ["is empty", "", /not an EFI program/],
    ["is for another architecture", Buffer.from("arm64"), /an architecture other than amd64/],
    ["cannot be decompressed", Buffer.from([0x1f, 0x8b, 8, 0]), /cannot be decompressed/],
  ];
  for (const [what, content, message] of unfit) {
    it(`rejects a kernel that ${what}`, async () => {
      const kernel = join(directory, "unfit");
      await writeFile(kernel, content.toString() === "arm64" ? await forArm64() : content);
      await assert.rejects(made("unfit.efi", { kernel }), { code: "KERNEL_UNFIT", message });
    });
  }

  it("rejects a kernel that claims more memory than can be addressed", async () => {
    const bytes = await readFile(efiProgram);
    // SizeOfImage, after the signature and the 20 bytes of the COFF header.
    bytes.writeUInt32LE(0xfffff000, bytes.readUInt32LE(0x3c) + 24 + 56);
    const kernel = join(directory, "huge");
    await writeFile(kernel, bytes);
    const refused = { code: "KERNEL_UNFIT", message: /more than 4 GiB/ };
    await assert.rejects(made("unfit.efi", { kernel }), refused);
  });
});

describe("extract --uki", () => {
  it("puts the release's command line, with its address, into NAME.efi", async () => {
    const kernel = { name: "./boot/vmlinuz", content: await readFile(efiProgram) };
    const image = await imageOf([[...baseWithout("./boot/vmlinuz"), kernel]]);
    const output = join(await temporaryDirectory(), "out");
    const keys = await keyPair(await temporaryDirectory(), "uki");
    const options = { image, output, cache: false, url, platform: "linux/amd64" };
    const result = await extract({
      ...options,
      uki: true,
      ukiKey: keys.key,
      ukiCert: keys.certificate,
    });
    assert.equal(result.paths.uki, join(output, `${baseName}.efi`));
    const line = (await contentsOf(result.paths.uki!, ".cmdline")).toString();
    assert.equal(
      line,
      `root=live:${url}/${baseName}.squashfs rd.neednet=1 ip=dhcp rd.cos.disable netboot install-mode nodepair.enable console=tty1 console=ttyS0 rd.live.overlay.overlayfs`,
    );
    await succeed("sbverify", ["--cert", keys.certificate, result.paths.uki!]);
    await succeed("sha256sum", ["--check", "--strict", "SHA256SUMS"], output);
    const hash = await succeed("sha256sum", [stub]);
    assert.equal(result.description.options.uki?.stub, hash.stdout.slice(0, 64));
    const again = { ...options, uki: true, ukiKey: keys.key, ukiCert: keys.certificate };
    assert.equal((await extract(again)).isUnchanged, true);
    assert.equal((await extract(options)).paths.uki, undefined);
  });

  it("leaves nothing behind if the kernel is not an EFI program", async () => {
    const output = join(await temporaryDirectory(), "out");
    const image = await imageOf([baseWithout()]);
    const wrong = extract({ image, output, cache: false, url, uki: true, platform: "linux/amd64" });
    await assert.rejects(wrong, { code: "KERNEL_UNFIT" });
    await assert.rejects(readFile(join(output, "netboot.json")));
  });

  const mistakes: [what: string, options: object, message: RegExp][] = [
    ["a missing --url", { uki: true, url: undefined }, /--url/],
    ["a key without a certificate", { uki: true, ukiKey: "k.pem" }, /--uki-cert/],
    ["a key that does not exist", { uki: true, ukiKey: "/no/k", ukiCert: "/no/c" }, /\/no\/k/],
    ["iPXE's variables", { uki: true, cmdline: `a=\${net0/mac}` }, /\$\{net0\/mac\}/],
    ["a key without --uki", { ukiKey: "k.pem", ukiCert: "c.pem" }, /--uki/],
    ["an architecture without a stub", { uki: true, platform: "linux/riscv64" }, /riscv64/],
  ];
  for (const [what, options, message] of mistakes) {
    it(`rejects ${what}`, async () => {
      const output = join(await temporaryDirectory(), "out");
      const wanted = { image: demoImage, output, url, platform: "linux/amd64", ...options };
      await assert.rejects(extract(wanted), { code: "USAGE_INVALID", message });
    });
  }

  it("names the Debian package of a missing stub for another architecture", async () => {
    const output = join(await temporaryDirectory(), "out");
    const wanted = { image: demoImage, output, url, platform: "linux/arm64", uki: true };
    await assert.rejects(extract(wanted), (error: NetbootError) => {
      assert.equal(error.code, "PROGRAM_MISSING");
      assert.match(error.hint, /systemd-boot-efi:arm64/);
      return true;
    });
  });
});

/** The same program with the machine type of arm64. */
async function forArm64(): Promise<Buffer> {
  const bytes = await readFile(efiProgram);
  bytes.writeUInt16LE(0xaa64, bytes.readUInt32LE(0x3c) + 4);
  return bytes;
}

async function contentsOf(program: string, section: string): Promise<Buffer> {
  const directory = await temporaryDirectory();
  const output = join(directory, "contents");
  await succeed("objcopy", [
    "-O",
    "binary",
    "--dump-section",
    `${section}=${output}`,
    program,
    join(directory, "copy"),
  ]);
  return readFile(output);
}

interface Section {
  readonly name: string;
  readonly size: number;
  readonly address: number;
  readonly offset: number;
}

async function sectionsOf(program: string): Promise<Section[]> {
  const { stdout } = await succeed("objdump", ["-h", program]);
  const lines = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return lines
    .filter(([index, name]) => /^\d+$/.test(index ?? "") && name?.startsWith("."))
    .map(([, name, size, address, , offset]) => ({
      name: name!,
      size: Number.parseInt(size!, 16),
      address: Number.parseInt(address!, 16),
      offset: Number.parseInt(offset!, 16),
    }));
}

async function keyPair(directory: string, name: string) {
  await mkdir(directory, { recursive: true });
  const [key, certificate] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`];
  await succeed("openssl", [...words, "-keyout", key, "-out", certificate]);
  return { key, certificate };
}
