import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { extract } from "../../src/extract/index.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

const digest = "017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043";

const uri = { type: "string", pattern: "^[a-z][a-z0-9+.-]*:\\S+$" };
const digestSet = { type: "object", minProperties: 1, additionalProperties: { type: "string" } };
const resource = {
  type: "object",
  properties: {
    name: { type: "string" },
    uri,
    digest: digestSet,
    mediaType: { type: "string" },
    annotations: { type: "object" },
  },
  additionalProperties: false,
};

/**
 * Written from in-toto's attestation framework (spec/v1/statement.md, resource_descriptor.md) and
 * SLSA's provenance v1 ("Model" and "Parsing rules"); nothing that they do not have is allowed.
 */
const statement = {
  type: "object",
  required: ["_type", "subject", "predicateType", "predicate"],
  additionalProperties: false,
  properties: {
    _type: { const: "https://in-toto.io/Statement/v1" },
    predicateType: { const: "https://slsa.dev/provenance/v1" },
    subject: {
      type: "array",
      minItems: 1,
      items: { ...resource, required: ["name", "digest"] },
    },
    predicate: {
      type: "object",
      required: ["buildDefinition", "runDetails"],
      additionalProperties: false,
      properties: {
        buildDefinition: {
          type: "object",
          required: ["buildType", "externalParameters"],
          additionalProperties: false,
          properties: {
            buildType: uri,
            externalParameters: { type: "object", minProperties: 1 },
            internalParameters: { type: "object" },
            resolvedDependencies: { type: "array", items: resource },
          },
        },
        runDetails: {
          type: "object",
          required: ["builder"],
          additionalProperties: false,
          properties: {
            builder: {
              type: "object",
              required: ["id"],
              additionalProperties: false,
              properties: {
                id: uri,
                version: { type: "object", additionalProperties: { type: "string" } },
                builderDependencies: { type: "array", items: resource },
              },
            },
            metadata: { type: "object" },
            byproducts: { type: "array", items: resource },
          },
        },
      },
    },
  },
};

describe("provenance.json", () => {
  it("is an in-toto statement with SLSA provenance", async () => {
    const validate = new Ajv2020({ strict: true, allErrors: true }).compile(statement);
    const document = await provenance(await extracted());
    assert.ok(validate(document), JSON.stringify(validate.errors));
  });

  it("states the digest of every file except itself, the checksums, and their signature", async () => {
    const output = await extracted({ sbom: true });
    const { subject } = await provenance(output);
    const names = (await readdir(output)).filter((name) => !/^(provenance|SHA256SUMS)/.test(name));
    const files = names.map(async (name) => {
      const bytes = await readFile(join(output, name));
      return { name, digest: { sha256: createHash("sha256").update(bytes).digest("hex") } };
    });
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    assert.deepEqual(subject.toSorted(byName), (await Promise.all(files)).toSorted(byName));
  });

  it("names the image by its digest, and the options", async () => {
    const { buildDefinition } = (await provenance(await extracted({ compression: "gzip" })))
      .predicate;
    assert.deepEqual(buildDefinition.resolvedDependencies[0].digest, { sha256: digest });
    const { image, platform, options } = buildDefinition.externalParameters;
    assert.equal(image, demoImage);
    assert.equal(platform, "linux/amd64");
    assert.equal(options.compression, "gzip:9");
  });

  it("has the same bytes wherever and whenever it is made", async () => {
    const read = async () => readFile(join(await extracted(), "provenance.json"), "utf8");
    assert.equal(await read(), await read());
  });
});

async function extracted(options = {}): Promise<string> {
  const output = join(await temporaryDirectory(), "out");
  await extract({ image: demoImage, output, platform: "amd64", ...options });
  return output;
}

async function provenance(output: string) {
  return JSON.parse(await readFile(join(output, "provenance.json"), "utf8"));
}
