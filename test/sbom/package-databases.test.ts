import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { PackageURL } from "packageurl-js";
import { type ExtractEvent, extract } from "../../src/extract/index.js";
import { baseName, imageOf } from "../extract/support/images.js";
import { demoImage, succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";
import type { TarItem } from "../support/tar-builder.js";
import { ndb } from "./support/ndb.js";
import { type RpmRoot, rpmRoot } from "./support/rpm-root.js";
import { assertSpdx } from "./support/spdx-rules.js";

interface Sbom {
  readonly purls: readonly PackageURL[];
  readonly document: Record<string, unknown>;
  readonly warnings: readonly string[];
}

/** The list of an image that has these files, too. */
async function sbomOf(files: readonly TarItem[], format = "spdx"): Promise<Sbom> {
  const output = join(await temporaryDirectory(), "out");
  const warnings: string[] = [];
  const onEvent = (event: ExtractEvent) => {
    if (event.type === "message" && event.level === "warning") warnings.push(event.text);
  };
  const image = await imageOf([[...baseLayer, ...files]]);
  const result = await extract({ image, output, platform: "amd64", sbom: format, onEvent });
  const path = result.paths.sbom!;
  assert.equal(path, join(output, `${baseName}.${format === "spdx" ? "spdx" : "cdx"}.json`));
  await succeed("sha256sum", ["-c", "--strict", "--quiet", "SHA256SUMS"], output);
  const document = JSON.parse(await readFile(path, "utf8"));
  if (format === "spdx") assertSpdx(document);
  else await assertCycloneDx(document);
  const texts: string[] =
    format === "spdx"
      ? document.packages.slice(1).map((it: SpdxPackage) => it.externalRefs[0]!.referenceLocator)
      : document.components.map((it: { purl: string }) => it.purl);
  const purls = texts.map((text) => {
    const purl = PackageURL.fromString(text);
    // The library leaves a plus in a version as it is, which the specification does not.
    assert.equal(
      purl.toString(),
      text.replace(/%2B(?=[^?]*\?)(?<=@.*)/g, "+"),
      "the canonical form",
    );
    return purl;
  });
  return { purls, document, warnings };
}

interface SpdxPackage {
  readonly name: string;
  readonly versionInfo: string;
  readonly licenseDeclared: string;
  readonly externalRefs: readonly { readonly referenceLocator: string }[];
}

/** Checks a document with the schema in CycloneDX's own library. */
async function assertCycloneDx(document: unknown): Promise<void> {
  const require = createRequire(import.meta.url);
  const { default: ajvModule } = await import("ajv");
  const { default: addFormats } = await import("ajv-formats");
  const library = dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json"));
  const read = async (name: string) =>
    JSON.parse(await readFile(join(library, "res/schema", name), "utf8"));
  const ajv = new ajvModule.default({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const format of ["iri-reference", "idn-email"]) ajv.addFormat(format, true);
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"]) {
    ajv.addSchema(await read(name), `http://cyclonedx.org/schema/${name}`);
  }
  const validate = ajv.compile(await read("bom-1.5.SNAPSHOT.schema.json"));
  assert.ok(validate(document), JSON.stringify(validate.errors));
}

const osRelease = (id: string, version: string): TarItem => ({
  name: "./etc/os-release",
  content: `ID="${id}"\nVERSION_ID=${version}\n`,
});

const lines = (text: string) => text.trimEnd().split("\n").sort();
const describePurl = (it: PackageURL) => `${it.name} ${it.version} ${it.qualifiers?.arch}`;

describe("extract --sbom", () => {
  let rpm: RpmRoot;
  before(async () => {
    rpm = await rpmRoot();
  });

  for (const format of ["spdx", "cyclonedx"]) {
    it(`lists the same packages as dpkg-query in ${format}`, async () => {
      const content = await readFile("/var/lib/dpkg/status");
      const files = [osRelease("debian", "12"), { name: "./var/lib/dpkg/status", content }];
      const { purls, warnings } = await sbomOf(files, format);
      const query = [
        "-W",
        "-f",
        `\${db:Status-Status} \${Package} \${Version} \${Architecture}\\n`,
      ];
      const { stdout } = await succeed("dpkg-query", query);
      const installed = lines(stdout).filter((line) => line.startsWith("installed "));
      assert.ok(installed.length > 100);
      const expected = installed.map((line) => line.replace(/^installed /, ""));
      assert.deepEqual(purls.map(describePurl).sort(), expected.sort());
      assert.deepEqual(warnings, []);
      for (const { type, namespace, qualifiers } of purls) {
        assert.equal(type, "deb");
        assert.equal(namespace, "debian");
        assert.equal(qualifiers?.distro, "debian-12");
      }
    });

    it(`lists the same packages as rpm in ${format}`, async () => {
      const { database, listed } = rpm;
      const files = [
        osRelease("fedora", "40"),
        { name: "./usr/lib/sysimage/rpm/rpmdb.sqlite", content: await readFile(database) },
        { name: "./var/lib/rpm", type: "symlink", link: "../../usr/lib/sysimage/rpm" },
      ];
      const { purls, warnings } = await sbomOf(files, format);
      const found = purls.map(
        (it) =>
          `${it.name} ${it.qualifiers?.epoch ?? "(none)"} ${it.version} ${it.qualifiers?.arch}`,
      );
      assert.deepEqual(
        found.sort(),
        listed
          .map(({ name, epoch, version, arch }) => `${name} ${epoch} ${version} ${arch}`)
          .sort(),
      );
      assert.deepEqual(warnings, []);
    });
  }

  it("includes the licenses from rpm", async () => {
    const { database, listed } = rpm;
    const content = await readFile(database);
    const { document } = await sbomOf([{ name: "./var/lib/rpm/rpmdb.sqlite", content }]);
    const { packages, hasExtractedLicensingInfos: texts } = document as {
      packages: SpdxPackage[];
      hasExtractedLicensingInfos: { licenseId: string; extractedText: string }[];
    };
    for (const { name, license } of listed) {
      const { licenseDeclared } = packages.find((it) => it.name === name)!;
      const words = texts.find(({ licenseId }) => licenseId === licenseDeclared)?.extractedText;
      assert.equal(words, license);
    }
  });

  it("reads the write-ahead log of rpm's database", async () => {
    const { database, listed } = rpm;
    const directory = await temporaryDirectory();
    const copy = join(directory, "rpmdb.sqlite");
    await succeed("cp", [database, copy]);
    const commands = [
      ".dbconfig no_ckpt_on_close on",
      "pragma journal_mode=wal;",
      "delete from Packages where hnum % 2 = 0;",
    ];
    await writeFile(join(directory, "commands"), `${commands.join("\n")}\n`);
    await succeed("sh", ["-c", `sqlite3 ${copy} <${directory}/commands`]);
    const content = await readFile(copy);
    const log = await readFile(`${copy}-wal`);
    const before = { name: "./var/lib/rpm/rpmdb.sqlite", content };
    const { stdout } = await succeed("sqlite3", [copy, "select count(*) from Packages"]);
    assert.ok(Number(stdout) < listed.length);
    assert.equal((await sbomOf([before])).purls.length, listed.length);
    const after = [before, { name: "./var/lib/rpm/rpmdb.sqlite-wal", content: log }];
    assert.equal((await sbomOf(after)).purls.length, Number(stdout));
  });

  it("reads rpm's format ndb, which openSUSE uses", async () => {
    const { database, listed } = rpm;
    const { stdout } = await succeed("sqlite3", [database, "select hex(blob) from Packages"]);
    const content = ndb(lines(stdout).map((hex) => Buffer.from(hex, "hex")));
    const { purls } = await sbomOf([
      osRelease("opensuse-leap", "15.6"),
      { name: "./usr/lib/sysimage/rpm/Packages.db", content },
    ]);
    assert.deepEqual(purls.map((it) => it.name).sort(), listed.map((it) => it.name).sort());
  });

  it("lists the packages of apk", async () => {
    const installed = [
      "C:Q1tSkotDCPwCwVl4sMFgJ0mO6lX4o=\nP:musl\nV:1.2.4_git20230717-r4\nA:x86_64\nS:383152\nT:the musl c library\nU:https://musl.libc.org/\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1\n",
      "C:Q1b=\nP:busybox-binsh\nV:1.36.1-r15\nA:x86_64\nL:GPL-2.0-only\no:busybox\nr:busybox-initscripts\n",
    ].join("\n");
    const files = [
      osRelease("alpine", "3.19.1"),
      { name: "./lib/apk/db/installed", content: `${installed}\n` },
    ];
    const { purls } = await sbomOf(files);
    assert.deepEqual(purls.map(String), [
      "pkg:apk/alpine/busybox-binsh@1.36.1-r15?arch=x86_64&distro=alpine-3.19.1",
      "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.19.1",
    ]);
    await sbomOf(files, "cyclonedx");
  });

  it("lists the packages of distroless, each of which has its own file", async () => {
    const file = (name: string) => ({
      name: `./var/lib/dpkg/status.d/${name}`,
      content: `Package: ${name}\nVersion: 1:2.0~rc1+b2\nArchitecture: amd64\nDescription: x\n more\n`,
    });
    const sums = {
      name: "./var/lib/dpkg/status.d/tzdata.md5sums",
      content: "Package: no\nVersion: 1\n",
    };
    const { purls } = await sbomOf([osRelease("debian", "12"), file("tzdata"), file("base"), sums]);
    assert.deepEqual(purls.map(String), [
      "pkg:deb/debian/base@1:2.0~rc1+b2?arch=amd64&distro=debian-12",
      "pkg:deb/debian/tzdata@1:2.0~rc1+b2?arch=amd64&distro=debian-12",
    ]);
  });

  it("omits a removed package whose configuration remains", async () => {
    const stanza = (name: string, status: string) =>
      `Package: ${name}\nStatus: ${status}\nVersion: 1\nArchitecture: all\n`;
    const content = [
      stanza("a", "install ok installed"),
      stanza("b", "deinstall ok config-files"),
    ].join("\n");
    const { purls } = await sbomOf([{ name: "./var/lib/dpkg/status", content }]);
    assert.deepEqual(
      purls.map((it) => it.name),
      ["a"],
    );
  });

  it("lists nothing and warns if the image has no database", async () => {
    const { purls, warnings } = await sbomOf([]);
    assert.deepEqual(purls, []);
    assert.match(warnings.join(), /no package database/);
  });

  const damaged: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    "is something else": () => Buffer.from("nothing of that kind".repeat(100)),
    "is cut short": (bytes) => bytes.subarray(0, 20_000),
    "is full of zeros after its first page": (bytes) =>
      Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096)]),
    "has a page that points to itself": (bytes) => {
      const copy = Buffer.from(bytes);
      // An interior page whose only child is itself.
      for (let page = 1; page < copy.length / 4096; page += 1) {
        copy.fill(0, page * 4096, page * 4096 + 12);
        copy[page * 4096] = 5;
        copy.writeUInt32BE(page + 1, page * 4096 + 8);
      }
      return copy;
    },
  };
  for (const [name, damage] of Object.entries(damaged)) {
    it(`warns of a database that ${name}`, async () => {
      const content = damage(await readFile(rpm.database));
      const { warnings } = await sbomOf([{ name: "./var/lib/rpm/rpmdb.sqlite", content }]);
      assert.match(
        warnings.join(),
        /list of packages is incomplete: \/var\/lib\/rpm\/rpmdb\.sqlite /,
      );
    });
  }

  it("warns of a Berkeley DB", async () => {
    const { warnings } = await sbomOf([
      { name: "./var/lib/rpm/Packages", content: "\0".repeat(100) },
    ]);
    assert.match(warnings.join(), /Packages is a Berkeley DB, which is not supported/);
  });

  it("makes the same bytes every time and in every directory", async () => {
    for (const sbom of ["spdx", "cyclonedx"]) {
      const made: string[] = [];
      for (let run = 0; run < 2; run += 1) {
        const output = join(await temporaryDirectory(), "out");
        const { paths } = await extract({ image: demoImage, output, platform: "amd64", sbom });
        made.push(await readFile(paths.sbom!, "utf8"));
      }
      assert.equal(made[0], made[1]);
    }
  });

  it("rejects an unknown format", async () => {
    const output = join(await temporaryDirectory(), "out");
    await assert.rejects(extract({ image: demoImage, output, sbom: "text" }), {
      code: "USAGE_INVALID",
    });
    await assert.rejects(mkdir(join(output, "x")), { code: "ENOENT" });
  });
});
