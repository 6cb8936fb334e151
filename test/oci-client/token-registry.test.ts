import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import {
  type Credential,
  loadCredentials,
  parsePlatform,
  parseReference,
  RegistryClient,
  verifyingStream,
} from "../../src/oci-client/index.js";
import { Authority } from "../support/authority.js";
import { startConfiguredRegistry } from "./support/docker-registry.js";
import { failsWith } from "./support/errors.js";
import { ImageContent } from "./support/image-content.js";
import { startTokenServer } from "./support/token-server.js";

const run = promisify(execFile);
const amd64 = { os: "linux", architecture: "amd64" };

/** Debian's docker-registry behind a token server, with an image of three layers from skopeo. */
async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
  t.after(() => rm(directory, { recursive: true }));
  const authority = await Authority.create(join(directory, "ca"));
  const certificate = await authority.issue("tokens", "DNS:tokens.example");
  const tokens = await startTokenServer(t, {
    certificate,
    accepts: ["alice:wonderland", "refresh-me"],
  });
  const { realm, issuer, service } = tokens;
  const host = await startConfiguredRegistry(t, directory, {
    auth: { token: { realm, issuer, service, rootcertbundle: authority.caFile } },
  });
  const content = new ImageContent();
  const image = content.image(amd64, ["one", "two", "three"]);
  await content.writeLayout(join(directory, "layout"), image, "v1");
  const words = ["--insecure-policy", "copy", "--dest-tls-verify=false"];
  const creds = "--dest-creds=alice:wonderland";
  await run("skopeo", [...words, creds, `oci:${directory}/layout:v1`, `docker://${host}/a/b:v1`]);
  tokens.issued.length = 0;
  return { directory, tokens, host, image, ref: parseReference(`${host}/a/b:v1`) };
}

function newClient(t: TestContext, credential?: Credential): RegistryClient {
  const client = new RegistryClient({ credentials: { lookup: async () => credential } });
  t.after(() => client.close());
  return client;
}

/** So slowly that a token which is good for a second has run out before each layer. */
async function fetchSlowly(client: RegistryClient, ref: ReturnType<typeof parseReference>) {
  const image = await client.resolve(ref, parsePlatform("amd64"));
  for (const layer of image.manifest.layers) {
    await delay(2100);
    const { body } = await client.openBlob(ref, layer);
    await buffer(verifyingStream(body, layer));
  }
  return image.digest;
}

describe("a registry with a token server", () => {
  const alice = { username: "alice", password: "wonderland" };

  it("is asked for a new token when one has run out sooner than it was said to", async (t) => {
    const { tokens, ref, image } = await setUp(t);
    tokens.life.real = 1;
    assert.equal(await fetchSlowly(newClient(t, alice), ref), image.digest);
    assert.ok(tokens.issued.length >= 3, `renewed: ${tokens.issued.length}`);
    assert.deepEqual(
      [...new Set(tokens.issued.map(({ scope }) => scope))],
      ["repository:a/b:pull"],
    );
  });

  it("is asked for a new token when one has lived as long as it was said to", async (t) => {
    const { tokens, ref, image } = await setUp(t);
    tokens.life.real = 1;
    tokens.life.told = 1;
    assert.equal(await fetchSlowly(newClient(t, alice), ref), image.digest);
    assert.ok(tokens.issued.length >= 3, `renewed: ${tokens.issued.length}`);
  });

  it("is asked for one token where one is enough, also for requests at the same time", async (t) => {
    const { tokens, ref, host } = await setUp(t);
    const client = newClient(t, alice);
    const { manifest } = await client.resolve(ref, parsePlatform("amd64"));
    assert.equal(tokens.issued.length, 1);
    const fresh = newClient(t, alice);
    await Promise.all(
      manifest.layers.map(async (layer) => {
        const { body } = await fresh.openBlob(parseReference(`${host}/a/b:v1`), layer);
        await buffer(body);
      }),
    );
    assert.equal(tokens.issued.length, 2);
  });

  it("ends the pull where a new token does not help either", async (t) => {
    const { tokens, ref } = await setUp(t);
    tokens.life.real = -5;
    await assert.rejects(
      newClient(t, alice).manifest(ref),
      failsWith("REGISTRY_DENIED", /refused the credentials/),
    );
    assert.equal(tokens.issued.length, 1);
  });

  it("exchanges the identity token that an auth file holds", async (t) => {
    const { tokens, ref, host, directory, image } = await setUp(t);
    const authFile = join(directory, "auth.json");
    const entry = { identitytoken: "refresh-me" };
    await writeFile(authFile, JSON.stringify({ auths: { [host]: entry } }));
    const credentials = loadCredentials({ env: {}, home: directory, authFile });
    const client = new RegistryClient({ credentials });
    t.after(() => client.close());
    assert.equal((await client.resolve(ref, parsePlatform("amd64"))).digest, image.digest);
    assert.deepEqual(
      tokens.issued.map(({ method }) => method),
      ["POST"],
    );
  });

  it("denies a wrong password", async (t) => {
    const { ref } = await setUp(t);
    const client = newClient(t, { ...alice, password: "looking-glass" });
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_DENIED"));
  });
});
