import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  artifactName,
  findIpxeVariable,
  netbootCommandLine,
  versionInName,
} from "../../src/kairos/index.js";
import { NetbootError } from "../../src/support/index.js";
import { type Files, factsOf } from "./support/facts-of.js";

const bootable: Files = { "boot/vmlinuz": "kernel", "boot/initrd": "initrd" };
const readRelease = async (files: Files) => (await factsOf({ ...bootable, ...files })).release;
const nameOf = async (files: Files) => artifactName(await readRelease(files));

const opensuse = `KAIROS_FLAVOR="opensuse-leap"
KAIROS_FLAVOR_RELEASE="15.5"
KAIROS_VARIANT="standard"
KAIROS_ARCH="amd64"
KAIROS_MODEL="generic"
KAIROS_RELEASE="v2.4.2"
KAIROS_VERSION="v2.4.2-k3sv1.26.9+k3s1"
KAIROS_SOFTWARE_VERSION="v1.26.9+k3s1"
KAIROS_SOFTWARE_VERSION_PREFIX="k3s"
`;
const ubuntu = `KAIROS_FLAVOR="ubuntu"
KAIROS_FLAVOR_RELEASE="24.04"
KAIROS_VARIANT="core"
KAIROS_TARGETARCH="amd64"
KAIROS_MODEL="generic"
KAIROS_RELEASE="v3.2.3"
`;
const opensuseName = "kairos-opensuse-leap-15.5-standard-amd64-generic-v2.4.2-k3sv1.26.9+k3s1";
const ubuntuName = "kairos-ubuntu-24.04-core-amd64-generic-v3.2.3";

describe("artifactName", () => {
  const named: [name: string, files: Files, expected: string][] = [
    ["names the openSUSE example", { "etc/kairos-release": opensuse }, opensuseName],
    ["names the Ubuntu example", { "etc/kairos-release": ubuntu }, ubuntuName],
    ["reads os-release in an image before v3.3", { "etc/os-release": opensuse }, opensuseName],
    [
      "follows a link at os-release",
      { "etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": ubuntu },
      ubuntuName,
    ],
    [
      "prefers kairos-release to os-release",
      {
        "etc/os-release": `ID=ubuntu\n${ubuntu.replaceAll("v3.2.3", "v9.9.9")}`,
        "etc/kairos-release": ubuntu,
      },
      ubuntuName,
    ],
    [
      "uses the complete name that an older image carries",
      { "etc/os-release": 'ID=x\nKAIROS_ARTIFACT="kairos-ubuntu-23.04-core-amd64-generic-v2.4.0"' },
      "kairos-ubuntu-23.04-core-amd64-generic-v2.4.0",
    ],
    [
      "accepts KAIROS_ARCH next to KAIROS_TARGETARCH",
      { "etc/kairos-release": `${ubuntu}KAIROS_ARCH=amd64\n` },
      ubuntuName,
    ],
    ["accepts CRLF", { "etc/kairos-release": ubuntu.replaceAll("\n", "\r\n") }, ubuntuName],
    [
      "accepts values without quotes",
      { "etc/kairos-release": ubuntu.replaceAll('"', "") },
      ubuntuName,
    ],
    ["accepts single quotes", { "etc/kairos-release": ubuntu.replaceAll('"', "'") }, ubuntuName],
    [
      "skips comments, blank lines and shell commands",
      { "etc/kairos-release": `# KAIROS_FLAVOR=no\n\n${ubuntu}\nnonsense\n=\nif true; then\n` },
      ubuntuName,
    ],
    [
      "uses the last of duplicate keys, as a shell does",
      { "etc/kairos-release": `KAIROS_FLAVOR=debian\n${ubuntu}` },
      ubuntuName,
    ],
    [
      "accepts a file without a final newline",
      { "etc/kairos-release": ubuntu.trimEnd() },
      ubuntuName,
    ],
  ];
  for (const [name, files, expected] of named) {
    it(name, async () => assert.equal(await nameOf(files), expected));
  }

  const unnamed: [name: string, files: Files, words: RegExp][] = [
    ["no release file", {}, /which Kairos release/],
    [
      "the os-release of another system",
      { "etc/os-release": 'ID=debian\nVERSION_ID="12"' },
      /which Kairos/,
    ],
    ["no flavor", { "etc/kairos-release": ubuntu.replace(/.*FLAVOR=.*/, "") }, /which Kairos/],
    ["an empty model", { "etc/kairos-release": ubuntu.replace("generic", "") }, /which Kairos/],
    ["a slash", { "etc/kairos-release": ubuntu.replace("generic", "a/b") }, /a\/b/],
    ["a path", { "etc/os-release": "KAIROS_ARTIFACT=../../etc/passwd" }, /\.\.\/\.\./],
    ["a space", { "etc/kairos-release": ubuntu.replace("generic", "a b") }, /a b/],
    ["a shell variable", { "etc/kairos-release": ubuntu.replace("generic", "$MODEL") }, /\$MODEL/],
    ["a name that is too long", { "etc/os-release": `KAIROS_ARTIFACT=${"x".repeat(300)}` }, /xxx/],
    ["a name that begins with a dash", { "etc/os-release": "KAIROS_ARTIFACT=-rf" }, /-rf/],
    ["a hidden name", { "etc/os-release": "KAIROS_ARTIFACT=.x" }, /\.x/],
    ["an escape sequence", { "etc/os-release": "KAIROS_ARTIFACT='a\u001b[2J'" }, /a\\/],
  ];
  for (const [name, files, message] of unnamed) {
    it(`suggests --name for ${name}`, async () => {
      await assert.rejects(nameOf(files), (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.equal(error.code, "IMAGE_NO_RELEASE");
        assert.match(error.message, message);
        assert.match(error.hint, /--name/);
        return true;
      });
    });
  }
});

describe("readKairosRelease", () => {
  it("recognizes FIPS and trusted boot", async () => {
    for (const value of ["true", '"true"', "'true'"]) {
      const text = `KAIROS_FIPS=${value}\nKAIROS_TRUSTED_BOOT=${value}`;
      const release = await readRelease({ "etc/kairos-release": text });
      assert.deepEqual([release.fips, release.trustedBoot], [true, true]);
    }
    for (const value of ["false", "", '""', "no"]) {
      const text = `KAIROS_FIPS=${value}\nKAIROS_TRUSTED_BOOT=${value}`;
      const release = await readRelease({ "etc/kairos-release": text });
      assert.deepEqual([release.fips, release.trustedBoot], [false, false]);
    }
  });

  it("reads values as a shell does, as os-release(5) demands", async () => {
    // What os-release(5) allows without quotes, and what must be escaped within double quotes.
    const plain = fc.string({ unit: fc.constantFrom(..."abcXYZ0189.+-_/:"), maxLength: 12 });
    const special = fc.string({
      unit: fc.constantFrom(..."ab \"'$`\\#;&=()*?~é\t"),
      maxLength: 12,
    });
    const written = fc.oneof(
      plain,
      plain.map((text) => `"${text}"`),
      special.map((text) => `"${text.replace(/[\\"$`]/g, "\\$&")}"`),
      special.map((text) => `'${text.replaceAll("'", "")}'`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 8 }), async (values) => {
        const keys = ["FLAVOR", "FLAVOR_RELEASE", "VARIANT", "MODEL"] as const;
        const lines = values.map((value, index) => `KAIROS_${keys[index % 4]}=${value}`);
        const text = `${lines.join("\n")}\n`;
        const release = await readRelease({ "etc/kairos-release": text });
        const read = [release.flavor, release.flavorRelease, release.variant, release.model];
        assert.deepEqual(
          read.map((value) => value ?? ""),
          readByShell(text, keys),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("gives a valid name or an error for arbitrary bytes", async () => {
    const mutated = fc
      .tuple(fc.nat(opensuse.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }))
      .map(([at, length, bytes]) =>
        Buffer.concat([
          Buffer.from(opensuse.slice(0, at)),
          bytes,
          Buffer.from(opensuse.slice(at + length)),
        ]),
      );
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, random), fc.boolean(), async (bytes, isOld) => {
        const file = isOld ? "etc/os-release" : "etc/kairos-release";
        const files = { [file]: Buffer.concat([Buffer.from("\n"), bytes]) };
        const name = await nameOf(files).catch((error) => {
          assert.equal(error.code, "IMAGE_NO_RELEASE", String(error));
          assert.doesNotMatch(error.message, /[\u0000-\u001f\u007f-\u009f]/);
        });
        if (name !== undefined) assert.match(name, /^[A-Za-z0-9][A-Za-z0-9._+-]*$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe("KernelConfig", () => {
  it("is also found beside the modules, and may be missing", async () => {
    const files = { "boot/vmlinuz-6.1.0": "kernel", "boot/initrd": "initrd" };
    assert.equal((await factsOf(files)).kernelConfig, undefined);
    const beside = { ...files, "lib/modules/6.1.0/config": "CONFIG_SQUASHFS=y\n" };
    const { kernelConfig } = await factsOf(beside);
    assert.equal(kernelConfig?.isEnabled("CONFIG_SQUASHFS"), true);
  });
});

describe("netbootCommandLine", () => {
  const released = `root=live:\${url}/NAME.squashfs initrd=NAME-initrd rd.neednet=1 ip=dhcp rd.cos.disable netboot install-mode config_url=\${config} console=tty1 console=ttyS0 rd.live.overlay.overlayfs`;

  it("equals that of Kairos's releases", () => {
    assert.equal(netbootCommandLine("NAME", { hasSelinux: false }), released);
  });

  it("disables SELinux if the image contains it", async () => {
    assert.equal(netbootCommandLine("NAME", { hasSelinux: true }), `${released} selinux=0`);
    assert.equal((await factsOf(bootable)).hasSelinux, false);
    const fedora = { ...bootable, "etc/selinux/config": "SELINUX=enforcing\n" };
    assert.equal((await factsOf(fedora)).hasSelinux, true);
  });
});

describe("versionInName", () => {
  const names: Readonly<Record<string, string | undefined>> = {
    [opensuseName]: "v2.4.2",
    [ubuntuName]: "v3.2.3",
    "kairos-alpine-opensuse-leap-v1.6.1-k3sv1.26.3+k3s1": "v1.6.1",
    "kairos-ubuntu-22.04-standard-amd64-generic-v2.5.0-rc1-k3sv1.27.3-k3s1": "v2.5.0",
    kairos: undefined,
    "kairos-v1": undefined,
  };
  for (const [name, expected] of Object.entries(names)) {
    it(`returns ${expected} for ${name}`, () => assert.equal(versionInName(name), expected));
  }
});

describe("findIpxeVariable", () => {
  const lines: [line: string, expected: string | undefined][] = [
    [`root=live:\${url}/x.squashfs config_url=\${config} a=$b {c}`, undefined],
    [`hostname=\${net0/mac:hexhyp} a=1`, `\${net0/mac:hexhyp}`],
    [`a=\${url2}`, `\${url2}`],
    ["a=${", undefined],
  ];
  for (const [line, expected] of lines) {
    it(`returns ${expected} for ${line}`, () => assert.equal(findIpxeVariable(line), expected));
  }
});

/** The values that a shell has after sourcing the text. */
function readByShell(text: string, keys: readonly string[]): string[] {
  const prints = keys.map((key) => `printf '%s\\0' "$KAIROS_${key}"`).join("; ");
  const { stdout } = spawnSync("sh", ["-c", `${text}\n${prints}`], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  return stdout.split("\0").slice(0, keys.length);
}
