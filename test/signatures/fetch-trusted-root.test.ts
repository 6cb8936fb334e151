import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fetchTrustedRoot } from "../../src/signatures/fetch-trusted-root.js";
import type { NetbootError } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { fail, serve } from "../oci-client/support/local-server.js";
import { trustedRootPath } from "./support/keyless-signatures.js";
import { makeTufRepository } from "./support/tuf-repository.js";

const target = await readFile(trustedRootPath);

/** Serves a repository with the trusted root, and writes the metadata of its root. */
async function serveRepository(t: TestContext, change = (files: Map<string, Buffer>) => files) {
  const { root, files } = makeTufRepository("trusted_root.json", target);
  const served = change(files);
  const { host, requests } = await serve(t, ({ url = "" }, response) => {
    const bytes = served.get(url.slice(1));
    if (bytes === undefined) fail(response, 404, "NOT_FOUND");
    else response.end(bytes);
  });
  const rootPath = join(await temporaryDirectory(), "root.json");
  await writeFile(rootPath, root);
  return { repository: { mirrorURL: `http://${host}`, rootPath, retry: 0 }, requests };
}

describe("the trusted root of a TUF repository", () => {
  it("is fetched, and its metadata is kept in the cache", async (t) => {
    const { repository, requests } = await serveRepository(t);
    const cache = await temporaryDirectory();
    const fetched = await fetchTrustedRoot(cache, repository);
    const expected = JSON.parse(target.toString());
    assert.deepEqual(
      fetched.certificateAuthorities.map(({ uri }) => uri),
      expected.certificateAuthorities.map(({ uri }: { uri: string }) => uri),
    );
    assert.deepEqual(await readdir(cache), ["sigstore"]);
    const isTarget = ({ url = "" }) => url.includes("trusted_root");
    assert.equal(requests.filter(isTarget).length, 1);
    await fetchTrustedRoot(cache, repository);
    assert.equal(requests.filter(isTarget).length, 1);
  });

  it("leaves nothing behind without a cache", async (t) => {
    const { repository } = await serveRepository(t);
    const scratch = await temporaryDirectory();
    const { TMPDIR: earlier } = process.env;
    process.env.TMPDIR = scratch;
    t.after(() => {
      if (earlier === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = earlier;
    });
    await fetchTrustedRoot(undefined, repository);
    assert.deepEqual(await readdir(scratch), []);
  });

  const changes: Readonly<Record<string, (files: Map<string, Buffer>) => Map<string, Buffer>>> = {
    "if its bytes were changed": (files) =>
      replace(files, /trusted_root/, "rekor.test", "rekor.tess"),
    "if the list of targets was changed": (files) =>
      replace(files, /targets\.json/, "sha256", "sha512"),
    "if the timestamp is signed with another key": (files) => {
      const other = makeTufRepository("trusted_root.json", target).files;
      return new Map([...files, ...[...other].filter(([name]) => name === "timestamp.json")]);
    },
    "if there is no repository": () => new Map(),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`is refused ${name}`, async (t) => {
      const { repository } = await serveRepository(t, change);
      await assert.rejects(fetchTrustedRoot(await temporaryDirectory(), repository), refused);
    });
  }

  it("is reported as unavailable if nobody answers", async () => {
    const rootPath = join(await temporaryDirectory(), "root.json");
    await writeFile(rootPath, makeTufRepository("trusted_root.json", target).root);
    const repository = { mirrorURL: "http://127.0.0.1:1", rootPath, retry: 0 };
    await assert.rejects(
      fetchTrustedRoot(await temporaryDirectory(), repository),
      (error: NetbootError) => refused(error) && /ECONNREFUSED/.test(error.message),
    );
  });
});

function refused(error: NetbootError): boolean {
  assert.equal(error.code, "TRUSTED_ROOT_UNAVAILABLE");
  assert.equal(error.exitStatus, 3);
  assert.match(error.message, /cannot be fetched from http:\/\/127\.0\.0\.1:/);
  assert.match(error.hint, /--trusted-root/);
  return true;
}

function replace(files: Map<string, Buffer>, name: RegExp, from: string, to: string) {
  return new Map(
    [...files].map(([key, bytes]) => [
      key,
      name.test(key) ? Buffer.from(bytes.toString().replace(from, to)) : bytes,
    ]),
  );
}
