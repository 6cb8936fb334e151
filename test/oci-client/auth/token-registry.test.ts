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
} from "../../../src/oci-client/index.js";
import { Authority } from "../../support/authority.js";
import { startConfiguredRegistry } from "../support/docker-registry.js";
import { failsWith } from "../support/fails-with.js";
import { ImageContent } from "../support/image-content.js";
import { startTokenServer } from "../support/start-token-server.js";

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

/** Waits until the registry itself refuses a token: only its own clock knows when. */
async function untilRefused(url: string, token: string): Promise<void> {
  for (;;) {
    const { status } = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (status === 401) return;
    await delay(50);
  }
}

describe("a registry with a token server", () => {
  const alice = { username: "alice", password: "wonderland" };

  it("is asked for a new token when it refuses one that has expired early", async (t) => {
    const { tokens, ref, host } = await setUp(t);
    tokens.lifetime.realSeconds = 1;
    const client = newClient(t, alice);
    const { manifest } = await client.resolve(ref, parsePlatform("amd64"));
    const [layer] = manifest.layers;
    assert.ok(layer);
    const before = tokens.issued.length;
    const { token = "" } = tokens.issued.at(-1) ?? {};
    await untilRefused(`http://${host}/v2/a/b/manifests/v1`, token);
    const { body } = await client.openBlob(ref, layer);
    await buffer(verifyingStream(body, layer));
    assert.equal(tokens.issued.length, before + 1);
    const scopes = new Set(tokens.issued.map(({ scope }) => scope));
    assert.deepEqual([...scopes], ["repository:a/b:pull"]);
  });

  it("is asked for only one token for several requests, even concurrent ones", async (t) => {
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

  it("ends the pull if it refuses a new token too", async (t) => {
    const { tokens, ref } = await setUp(t);
    tokens.lifetime.realSeconds = -5;
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
