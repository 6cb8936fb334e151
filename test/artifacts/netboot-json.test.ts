import assert from "node:assert/strict";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { netbootJsonSchema, readNetbootJson } from "../../src/artifacts/index.js";
import { extract } from "../../src/extract/index.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";

type Json = Record<string, unknown>;

describe("the published schema of netboot.json", () => {
  let validate: (value: unknown) => boolean;
  let schema: Json;
  let description: Json;
  let place: string;

  before(async () => {
    const path = join(checkout, "src/packaging/netboot.schema.json");
    schema = JSON.parse(await readFile(path, "utf8"));
    const ajv = new Ajv2020({ strict: true, allErrors: true });
    const compiled = ajv.compile(schema);
    validate = (value) => compiled(value) as boolean;
    place = await sharedDirectory();
    const output = join(place, "out");
    await extract({
      image: demoImage,
      output,
      platform: "amd64",
      sbom: true,
      cmdline: "quiet",
      url: "http://192.0.2.1/",
    });
    description = JSON.parse(await readFile(join(output, "netboot.json"), "utf8"));
  });

  it("matches the schema in the program", () => {
    assert.deepEqual(schema, JSON.parse(JSON.stringify(netbootJsonSchema())));
  });

  it("accepts the output of extract, according to another validator", () => {
    assert.equal(validate(description), true);
  });

  const faults: Readonly<Record<string, (it: Json) => void>> = {
    "another version": (it) => Object.assign(it, { schemaVersion: 2 }),
    "no name": (it) => delete it.name,
    "no squashfs": (it) => delete (it.files as Json).squashfs,
    "a name with a slash": (it) =>
      Object.assign((it.files as Json).kernel as Json, { name: "../kernel" }),
    "a name that is the parent directory": (it) =>
      Object.assign((it.files as Json).kernel as Json, { name: ".." }),
    "a negative size": (it) => Object.assign((it.files as Json).kernel as Json, { size: -1 }),
    "a size that is a text": (it) =>
      Object.assign((it.files as Json).kernel as Json, { size: "1" }),
    "a sum in capitals": (it) =>
      Object.assign((it.files as Json).kernel as Json, { sha256: "A".repeat(64) }),
    "another program": (it) => Object.assign(it, { program: { name: "x", version: "1" } }),
  };
  for (const [name, spoil] of Object.entries(faults)) {
    it(`and the reader reject ${name}`, async () => {
      const spoilt = structuredClone(description);
      spoil(spoilt);
      assert.equal(validate(spoilt), false);
      assert.equal(await readBack(spoilt), false);
    });
  }

  it("and the reader accept members that a later version may add", async () => {
    const more = { ...description, later: 1 };
    assert.equal(validate(more), true);
    assert.equal(await readBack(more), true);
  });

  async function readBack(value: Json): Promise<boolean> {
    const directory = await mkdtemp(join(place, "read-"));
    await writeFile(join(directory, "netboot.json"), JSON.stringify(value));
    return (await readNetbootJson(directory)) !== undefined;
  }
});
