import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imagePurl } from "../../src/sbom/index.js";
import { checkReference, repositoryOf } from "../../src/sources/index.js";
import { splitTransport, type TransportName, transports } from "../../src/sources/transports.js";
import { runCommand } from "../extract/support/run-command.js";
import { checkout } from "../support/checkout.js";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const withoutRepository = "pkg:oci/image@sha256%3A";

/** A reference of each transport, and whether the program can read it. The compiler wants all. */
const examples: { readonly [Name in TransportName]: [reference: string, isReadable: boolean] } = {
  "(registry)": ["quay.io/kairos/hadron:v4.3.0", true],
  oci: ["oci:build/image:latest", true],
  "oci-archive": ["oci-archive:image.tar:v1", true],
  dir: ["dir:quay.io/kairos/hadron", true],
  "docker-archive": ["docker-archive:image.tar:quay.io/kairos/hadron:v1", true],
  "docker-daemon": ["docker-daemon:quay.io/kairos/hadron:v1", true],
  "(standard input)": ["-", true],
  "containers-storage": ["containers-storage:quay.io/kairos/hadron:v1", false],
  "(path)": ["./build/image", false],
};

describe("each transport", () => {
  for (const [name, [reference, isReadable]] of Object.entries(examples)) {
    const { isRegistry, isSupported } = transports[name as TransportName];

    it(`${name} is recognized by its spelling`, () => {
      assert.equal(splitTransport(reference).transport, name);
      assert.equal(isSupported, isReadable);
    });

    it(`${name} is ${isReadable ? "accepted" : "refused with a hint"}`, () => {
      if (isReadable) checkReference(reference);
      else assert.throws(() => checkReference(reference), { code: "REFERENCE_INVALID" });
    });

    it(`${name} has ${isRegistry ? "a" : "no"} repository in its package URL`, () => {
      const purl = imagePurl(reference, digest);
      assert.equal(repositoryOf(reference) !== undefined, isRegistry);
      assert.equal(purl.startsWith(withoutRepository), !isRegistry, purl);
      assert.equal(purl.includes("repository_url="), isRegistry, purl);
    });
  }
});

describe("the package URL of an image in a registry", () => {
  // The examples of type oci in purl-spec's PURL-TYPES.rst have this form.
  for (const [reference, expected] of [
    [
      "quay.io/kairos/hadron:v4.3.0",
      `pkg:oci/hadron@sha256%3A${digest.slice(7)}?repository_url=quay.io%2Fkairos%2Fhadron&tag=v4.3.0`,
    ],
    [
      "localhost:5000/os:v1",
      `pkg:oci/os@sha256%3A${digest.slice(7)}?repository_url=localhost:5000%2Fos&tag=v1`,
    ],
    [
      `quay.io/kairos/hadron@${digest}`,
      `pkg:oci/hadron@sha256%3A${digest.slice(7)}?repository_url=quay.io%2Fkairos%2Fhadron`,
    ],
  ] as const) {
    it(`names the repository and the tag of ${reference}`, () => {
      assert.equal(imagePurl(reference, digest), expected);
    });
  }

  it("is the same with and without docker://", () => {
    const reference = "quay.io/kairos/hadron:v4.3.0";
    assert.equal(imagePurl(`docker://${reference}`, digest), imagePurl(reference, digest));
  });
});

describe("extract --help", () => {
  it("lists every supported transport other than a registry", async () => {
    const { stdout } = await runCommand(["extract", "--help"], { cwd: checkout });
    for (const { syntax, isRegistry, isSupported } of Object.values(transports)) {
      const isListed = stdout.split("\n").some((line) => line.startsWith(`  ${syntax}  `));
      assert.equal(isListed, isSupported && !isRegistry, syntax);
    }
  });
});
