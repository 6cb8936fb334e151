import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Descriptor,
  parsePlatform,
  parseReference,
  RegistryClient,
  type RegistryClientOptions,
  verifyingStream,
} from "../../src/oci-client/index.js";
import { failsWith } from "./support/errors.js";
import { ImageContent } from "./support/image-content.js";
import { fail, type Interceptor, serve, serveImage } from "./support/local-server.js";

const amd64 = parsePlatform("linux/amd64");

function newClient(t: TestContext, options?: RegistryClientOptions): RegistryClient {
  const client = new RegistryClient(options);
  t.after(() => client.close());
  return client;
}

/** A client, an image and the registry that serves it. */
async function setUp(t: TestContext, intercept?: Interceptor) {
  const content = new ImageContent();
  const root = content.image(amd64);
  const { layers } = content.json(root);
  const layer: Descriptor = layers[0];
  const server = await serveImage(t, content, root, intercept);
  const ref = parseReference(`${server.host}/os/image:v1`);
  return { client: newClient(t), content, root, layer, server, ref };
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("RegistryClient", () => {
  it("resolves an image and reads its layers", async (t) => {
    const { client, content, root, layer, ref } = await setUp(t);
    const image = await client.resolve(ref, amd64);
    assert.equal(image.digest, root.digest);
    const { body, offset } = await client.openBlob(ref, image.manifest.layers[0]!);
    assert.equal(offset, 0);
    assert.deepEqual(await readAll(verifyingStream(body, layer)), content.bytes(layer));
  });

  it("says who it is, what it takes, and that nothing is to be compressed", async (t) => {
    const { ref, server } = await setUp(t);
    const client = newClient(t, { userAgent: "kairos-netboot/1.2.3" });
    await client.manifest(ref);
    const { headers } = server.requests[0]!;
    assert.equal(headers["user-agent"], "kairos-netboot/1.2.3");
    assert.equal(headers["accept-encoding"], "identity");
    assert.deepEqual(headers.accept?.split(", ").sort(), [
      "application/vnd.docker.distribution.manifest.list.v2+json",
      "application/vnd.docker.distribution.manifest.v2+json",
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.oci.image.manifest.v1+json",
    ]);
  });

  it("asks by digest where there is one, and keeps the tag for display", async (t) => {
    const { client, ref, root, server } = await setUp(t);
    await client.resolve({ ...ref, tag: "gone", digest: root.digest }, amd64);
    assert.equal(server.requests[0]!.url, `/v2/os/image/manifests/${root.digest}`);
  });

  it("hands on the manifest's type without its parameters", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.setHeader("content-type", "Application/JSON; charset=utf-8");
      response.end("{}");
      return true;
    });
    assert.equal((await client.manifest(ref)).mediaType, "application/json");
  });

  it("tells a web page from a manifest, also where a digest is asked for", async (t) => {
    const { client, ref, root } = await setUp(t, (_request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end("<html>Sign in</html>");
      return true;
    });
    for (const target of [ref, { digest: root.digest }]) {
      const page = failsWith("REGISTRY_ERROR", /answered with a web page/);
      await assert.rejects(client.manifest(ref, target), page);
    }
  });

  it("ends when its signal is aborted, with the signal's reason", async (t) => {
    const { client, ref } = await setUp(t, () => true);
    const controller = new AbortController();
    const pending = client.resolve(ref, amd64, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await assert.rejects(pending, /^Error: enough$/);
  });

  it("ends a body when its signal is aborted", async (t) => {
    const { client, ref, layer } = await setUp(t, ({ url }, response) => {
      if (url!.includes("/blobs/")) response.write("x");
      return url!.includes("/blobs/");
    });
    const controller = new AbortController();
    const { body } = await client.openBlob(ref, layer, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await assert.rejects(readAll(body), /^Error: enough$/);
  });

  it("outlives a body that breaks while nobody reads it", async (t) => {
    const { client, ref, layer } = await setUp(t, (_request, response) => {
      setTimeout(() => response.destroy(), 20);
      return response.write("x");
    });
    const { body } = await client.openBlob(ref, layer);
    await delay(100);
    await assert.rejects(readAll(body), failsWith("REGISTRY_UNREACHABLE"));
  });

  it("closes while a body is open that nobody reads", async (t) => {
    const { client, ref, layer } = await setUp(t, (_request, response) => response.write("x"));
    await client.openBlob(ref, layer);
    await client.close();
  });
});

describe("a registry's errors", () => {
  const answers: [
    name: string,
    status: number,
    code: string,
    expected: Parameters<typeof failsWith>,
  ][] = [
    [
      "a repository that is not there",
      404,
      "NAME_UNKNOWN",
      ["IMAGE_NOT_FOUND", /no repository os\/image/],
    ],
    ["a tag that is not there", 404, "MANIFEST_UNKNOWN", ["IMAGE_NOT_FOUND", /no tag v1 in/]],
    [
      "a registry that is busy",
      429,
      "TOOMANYREQUESTS",
      ["REGISTRY_ERROR", /429/, { status: 429, retryable: true }],
    ],
    [
      "a registry that is down",
      503,
      "UNAVAILABLE",
      ["REGISTRY_ERROR", /503/, { status: 503, retryable: true }],
    ],
    [
      "a request that was wrong",
      400,
      "UNSUPPORTED",
      ["REGISTRY_ERROR", /400/, { status: 400, retryable: false }],
    ],
    [
      "a private repository",
      403,
      "DENIED",
      ["REGISTRY_DENIED", /without credentials/, { status: 403 }],
    ],
    [
      "a 401 without a challenge",
      401,
      "UNAUTHORIZED",
      ["REGISTRY_DENIED", /without credentials/, { status: 401 }],
    ],
  ];
  for (const [name, status, code, expected] of answers) {
    it(`tell of ${name}`, async (t) => {
      const { client, ref } = await setUp(t, (_request, response) => {
        fail(response, status, code);
        return true;
      });
      await assert.rejects(client.resolve(ref, amd64), failsWith(...expected));
    });
  }

  it("are understood without a JSON body", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.writeHead(404).end("<html>not here");
      return true;
    });
    await assert.rejects(client.resolve(ref, amd64), failsWith("IMAGE_NOT_FOUND", /no tag v1/));
  });

  it("tell of a digest that is not there", async (t) => {
    const { client, ref } = await setUp(t);
    const digest = `sha256:${"0".repeat(64)}`;
    await assert.rejects(
      client.resolve({ ...ref, digest }, amd64),
      failsWith("IMAGE_NOT_FOUND", /no manifest sha256:0/),
    );
  });

  it("are quoted without control characters and not at length", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      fail(response, 500, "UNKNOWN", `\u001b[2J\r\n${"x".repeat(10_000)}`);
      return true;
    });
    await assert.rejects(client.manifest(ref), (error: Error) => {
      return error.message.length < 400 && !/[\u0000-\u001f]/.test(error.message);
    });
  });

  it("tell of a manifest of more than 4 MiB without reading it all", async (t) => {
    let sent = 0;
    const { client, ref } = await setUp(t, (_request, response) => {
      const timer = setInterval(() => {
        sent++;
        response.write(Buffer.alloc(1024 * 1024));
      }, 1);
      response.on("close", () => clearInterval(timer));
      return true;
    });
    await assert.rejects(client.resolve(ref, amd64), failsWith("MANIFEST_TOO_LARGE"));
    assert.ok(sent < 100);
  });

  it("do not hide that a manifest has another digest than was asked for", async (t) => {
    const { client, ref, root } = await setUp(t, (_request, response) => {
      response.end("{}");
      return true;
    });
    await assert.rejects(
      client.resolve({ ...ref, digest: root.digest }, amd64),
      failsWith("BLOB_MISMATCH", /manifest/),
    );
  });

  it("tell of a withdrawn manifest format", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.end(JSON.stringify({ schemaVersion: 1, name: "os/image", fsLayers: [] }));
      return true;
    });
    await assert.rejects(client.resolve(ref, amd64), failsWith("MANIFEST_SCHEMA1"));
  });
});

/** Answers requests for blobs with these bytes, however many the blob has. */
function blobsAre(bytes: (real: Buffer) => Buffer, content: () => ImageContent): Interceptor {
  return ({ url }, response) => {
    const digest = /\/blobs\/(.+)$/.exec(url!)?.[1];
    if (!digest) return false;
    response.end(bytes(content().bytes({ digest })));
    return true;
  };
}

describe("verifyingStream", () => {
  const damages: [
    name: string,
    damage: (real: Buffer) => Buffer,
    words: RegExp,
    retryable: boolean,
  ][] = [
    ["other bytes", (real) => Buffer.alloc(real.length), /a different digest/, false],
    ["too few bytes", (real) => real.subarray(1), /ended after/, true],
    ["no bytes", () => Buffer.alloc(0), /ended after 0/, true],
    ["too many bytes", (real) => Buffer.concat([real, Buffer.alloc(1)]), /continues beyond/, false],
  ];
  for (const [name, damage, words, retryable] of damages) {
    it(`refuses ${name}`, async (t) => {
      const setup = await setUp(
        t,
        blobsAre(damage, () => setup.content),
      );
      const { body } = await setup.client.openBlob(setup.ref, setup.layer);
      await assert.rejects(
        readAll(verifyingStream(body, setup.layer)),
        failsWith("BLOB_MISMATCH", words, { retryable }),
      );
    });
  }

  it("hands out no byte beyond the size, and stops a body without end", async (t) => {
    const { client, ref, layer } = await setUp(t, ({ url }, response) => {
      if (!url!.includes("/blobs/")) return false;
      const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 1);
      response.on("close", () => clearInterval(timer));
      return true;
    });
    const { body } = await client.openBlob(ref, layer);
    let received = 0;
    await assert.rejects(async () => {
      for await (const chunk of verifyingStream(body, layer)) received += chunk.length;
    }, failsWith("BLOB_MISMATCH"));
    assert.ok(received <= layer.size);
  });

  it("checks a sha512 digest too", async () => {
    // sha512 of "abc", from FIPS 180-2, appendix C.1.
    const digest =
      "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    async function* body() {
      yield Buffer.from("abc");
    }
    assert.equal((await readAll(verifyingStream(body(), { digest, size: 3 }))).toString(), "abc");
  });
});

describe("openBlob", () => {
  /** Answers so to a range, and with the whole where none is asked for. */
  function ranges(header: (size: number) => string | undefined, status = 206): Interceptor {
    return ({ url, headers }, response) => {
      if (!url!.includes("/blobs/")) return false;
      if (headers.range === undefined) {
        response.end(Buffer.alloc(100, "b"));
        return true;
      }
      assert.equal(headers.range, "bytes=10-");
      const range = header(100);
      response.writeHead(status, range === undefined ? {} : { "content-range": range });
      response.end(Buffer.alloc(status === 206 ? 90 : 100, "b"));
      return true;
    };
  }
  const blob = { mediaType: "x", digest: `sha256:${"0".repeat(64)}`, size: 100 };

  it("begins at the offset when the server honours the range", async (t) => {
    const { client, ref } = await setUp(
      t,
      ranges((size) => `bytes 10-${size - 1}/${size}`),
    );
    const { body, offset } = await client.openBlob(ref, blob, { offset: 10 });
    assert.equal(offset, 10);
    assert.equal((await readAll(body)).length, 90);
  });

  it("begins at the offset when the server does not say the whole size", async (t) => {
    const { client, ref } = await setUp(
      t,
      ranges((size) => `bytes 10-${size - 1}/*`),
    );
    assert.equal((await client.openBlob(ref, blob, { offset: 10 })).offset, 10);
  });

  const unfit: [name: string, range: string | undefined, status?: number][] = [
    ["the whole", undefined, 200],
    ["a part with another beginning", "bytes 0-89/100"],
    ["a part with another end", "bytes 10-98/100"],
    ["a part of another size", "bytes 10-99/101"],
    ["a part in another unit", "items 10-99/100"],
    ["a part without Content-Range", undefined],
    ["416", "bytes */100", 416],
  ];
  for (const [name, range, status] of unfit) {
    it(`begins at 0, with one warning, when the server answers a range with ${name}`, async (t) => {
      const { ref } = await setUp(
        t,
        ranges(() => range, status),
      );
      const warnings: string[] = [];
      const client = newClient(t, { onWarning: (message) => warnings.push(message) });
      const { body, offset } = await client.openBlob(ref, blob, { offset: 10 });
      assert.equal(offset, 0);
      assert.equal((await readAll(body)).length, 100);
      assert.equal(warnings.length, 1);
    });
  }

  it("asks for no range at or beyond the end", async (t) => {
    const { client, ref, layer, server } = await setUp(t);
    const { offset } = await client.openBlob(ref, layer, { offset: layer.size });
    assert.equal(offset, 0);
    assert.equal(server.requests[0]!.headers.range, undefined);
  });

  it("tells of a blob that is not there", async (t) => {
    const { client, ref } = await setUp(t);
    await assert.rejects(client.openBlob(ref, blob), failsWith("BLOB_NOT_FOUND", /os\/image/));
  });

  it("reads a foreign layer from its own addresses when the registry lacks it", async (t) => {
    const { client, ref } = await setUp(t);
    const gone = await serve(t, (_request, response) => response.writeHead(404).end());
    const there = await serve(t, (_request, response) => response.end("foreign"));
    const urls = ["ftp://x/y", "not an address", `http://${gone.host}/l`, `http://${there.host}/l`];
    const { body } = await client.openBlob(ref, { ...blob, urls });
    assert.equal((await readAll(body)).toString(), "foreign");
  });

  it("reports a connection that breaks in the middle, which is worth another try", async (t) => {
    const { client, ref } = await setUp(t, ({ url }, response) => {
      if (!url!.includes("/blobs/")) return false;
      response.writeHead(200, { "content-length": 100 });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
      return true;
    });
    const { body } = await client.openBlob(ref, blob);
    await assert.rejects(
      readAll(body),
      failsWith("REGISTRY_UNREACHABLE", /closed the connection early/, { retryable: true }),
    );
  });
});
