import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it, type TestContext } from "node:test";
import {
  type Descriptor,
  parsePlatform,
  parseReference,
  RegistryClient,
  type RegistryClientOptions,
  verifyingStream,
} from "../../src/oci-client/index.js";
import { failsWith } from "./support/fails-with.js";
import { ImageContent } from "./support/image-content.js";
import { fail, type Interceptor, serve, serveImage } from "./support/local-server.js";

const amd64 = parsePlatform("linux/amd64");

function newClient(t: TestContext, options?: RegistryClientOptions): RegistryClient {
  const client = new RegistryClient(options);
  t.after(() => client.close());
  return client;
}

/** A client, and an image with a registry that serves it. */
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

  it("sends its user agent, a line for each accepted type, and a request for no compression", async (t) => {
    const { ref, server } = await setUp(t);
    const client = newClient(t, { userAgent: "kairos-netboot/1.2.3" });
    await client.manifest(ref);
    const { headers, rawHeaders } = server.requests[0]!;
    assert.equal(headers["user-agent"], "kairos-netboot/1.2.3");
    assert.equal(headers["accept-encoding"], "identity");
    const lines = rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === "accept");
    assert.deepEqual(lines.sort(), [
      "application/vnd.docker.distribution.manifest.list.v2+json",
      "application/vnd.docker.distribution.manifest.v2+json",
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.oci.image.manifest.v1+json",
    ]);
  });

  it("requests by the digest if there is one, and ignores the tag", async (t) => {
    const { client, ref, root, server } = await setUp(t);
    await client.resolve({ ...ref, tag: "gone", digest: root.digest }, amd64);
    assert.equal(server.requests[0]!.url, `/v2/os/image/manifests/${root.digest}`);
  });

  it("returns the manifest's media type without parameters", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.setHeader("content-type", "Application/JSON; charset=utf-8");
      response.end("{}");
      return true;
    });
    assert.equal((await client.manifest(ref)).mediaType, "application/json");
  });

  it("refuses a web page instead of a manifest, even if a digest is requested", async (t) => {
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

  it("throws the signal's reason when the signal aborts", async (t) => {
    const controller = new AbortController();
    const { client, ref } = await setUp(t, () => {
      controller.abort(new Error("enough"));
      return true;
    });
    const pending = client.resolve(ref, amd64, controller.signal);
    await assert.rejects(pending, /^Error: enough$/);
  });

  it("ends a body when the signal aborts", async (t) => {
    const { client, ref, layer } = await setUp(t, ({ url }, response) => {
      if (url!.includes("/blobs/")) response.write("x");
      return url!.includes("/blobs/");
    });
    const controller = new AbortController();
    const { body } = await client.openBlob(ref, layer, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(readAll(body), /^Error: enough$/);
  });

  it("survives an unread body that breaks", async (t) => {
    let open: ServerResponse | undefined;
    const { client, ref, layer } = await setUp(t, ({ url }, response) => {
      if (!url?.includes("/blobs/")) return false;
      open = response;
      return response.write("x");
    });
    const { body } = await client.openBlob(ref, layer);
    open?.destroy();
    // Another request, by whose end the client has noticed.
    await client.manifest(ref);
    await assert.rejects(readAll(body), failsWith("REGISTRY_UNREACHABLE"));
  });

  it("closes while an unread body is open", async (t) => {
    const { client, ref, layer } = await setUp(t, (_request, response) => response.write("x"));
    await client.openBlob(ref, layer);
    await client.close();
  });
});

describe("errors of a registry", () => {
  const answers: [
    name: string,
    status: number,
    code: string,
    expected: Parameters<typeof failsWith>,
  ][] = [
    ["a missing repository", 404, "NAME_UNKNOWN", ["IMAGE_NOT_FOUND", /no repository os\/image/]],
    ["a missing tag", 404, "MANIFEST_UNKNOWN", ["IMAGE_NOT_FOUND", /no tag v1 in/]],
    [
      "a busy registry",
      429,
      "TOOMANYREQUESTS",
      ["REGISTRY_ERROR", /429/, { status: 429, retryable: true }],
    ],
    [
      "an unavailable registry",
      503,
      "UNAVAILABLE",
      ["REGISTRY_ERROR", /503/, { status: 503, retryable: true }],
    ],
    [
      "an invalid request",
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
    it(`report ${name}`, async (t) => {
      const { client, ref } = await setUp(t, (_request, response) => {
        fail(response, status, code);
        return true;
      });
      await assert.rejects(client.resolve(ref, amd64), failsWith(...expected));
    });
  }

  it("do not need a JSON body", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.writeHead(404).end("<html>not here");
      return true;
    });
    await assert.rejects(client.resolve(ref, amd64), failsWith("IMAGE_NOT_FOUND", /no tag v1/));
  });

  it("report a missing digest", async (t) => {
    const { client, ref } = await setUp(t);
    const digest = `sha256:${"0".repeat(64)}`;
    await assert.rejects(
      client.resolve({ ...ref, digest }, amd64),
      failsWith("IMAGE_NOT_FOUND", /no manifest sha256:0/),
    );
  });

  it("are quoted without control characters, and truncated", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      fail(response, 500, "UNKNOWN", `\u001b[2J\r\n${"x".repeat(10_000)}`);
      return true;
    });
    await assert.rejects(client.manifest(ref), (error: Error) => {
      return error.message.length < 400 && !/[\u0000-\u001f]/.test(error.message);
    });
  });

  it("report a manifest of more than 4 MiB without reading all of it", async (t) => {
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

  it("report a manifest with a different digest than requested", async (t) => {
    const { client, ref, root } = await setUp(t, (_request, response) => {
      response.end("{}");
      return true;
    });
    await assert.rejects(
      client.resolve({ ...ref, digest: root.digest }, amd64),
      failsWith("BLOB_MISMATCH", /manifest/),
    );
  });

  it("report an obsolete manifest format", async (t) => {
    const { client, ref } = await setUp(t, (_request, response) => {
      response.end(JSON.stringify({ schemaVersion: 1, name: "os/image", fsLayers: [] }));
      return true;
    });
    await assert.rejects(client.resolve(ref, amd64), failsWith("MANIFEST_SCHEMA1"));
  });
});

/** Answers requests for blobs with changed bytes. */
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
    ["different bytes", (real) => Buffer.alloc(real.length), /a different digest/, false],
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

  it("yields no byte beyond the size, and ends an endless body", async (t) => {
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
  /** Answers a range with this header, and other requests with the whole blob. */
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

  it("begins at the offset if the server sends the range", async (t) => {
    const { client, ref } = await setUp(
      t,
      ranges((size) => `bytes 10-${size - 1}/${size}`),
    );
    const { body, offset } = await client.openBlob(ref, blob, { offset: 10 });
    assert.equal(offset, 10);
    assert.equal((await readAll(body)).length, 90);
  });

  it("begins at the offset if the server does not state the total size", async (t) => {
    const { client, ref } = await setUp(
      t,
      ranges((size) => `bytes 10-${size - 1}/*`),
    );
    assert.equal((await client.openBlob(ref, blob, { offset: 10 })).offset, 10);
  });

  const unfit: [name: string, range: string | undefined, status?: number][] = [
    ["the whole blob", undefined, 200],
    ["a range with a different start", "bytes 0-89/100"],
    ["a range with a different end", "bytes 10-98/100"],
    ["a range of a different total size", "bytes 10-99/101"],
    ["a range in a different unit", "items 10-99/100"],
    ["a range without Content-Range", undefined],
    ["416", "bytes */100", 416],
  ];
  for (const [name, range, status] of unfit) {
    it(`begins at 0, with one warning, if the server answers with ${name}`, async (t) => {
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

  it("requests no range at or beyond the end", async (t) => {
    const { client, ref, layer, server } = await setUp(t);
    const { offset } = await client.openBlob(ref, layer, { offset: layer.size });
    assert.equal(offset, 0);
    assert.equal(server.requests[0]!.headers.range, undefined);
  });

  it("reports a missing blob", async (t) => {
    const { client, ref } = await setUp(t);
    await assert.rejects(client.openBlob(ref, blob), failsWith("BLOB_NOT_FOUND", /os\/image/));
  });

  it("downloads a foreign layer from its own URLs if the registry lacks it", async (t) => {
    const { client, ref } = await setUp(t);
    const gone = await serve(t, (_request, response) => response.writeHead(404).end());
    const there = await serve(t, (_request, response) => response.end("foreign"));
    const urls = ["ftp://x/y", "not an address", `http://${gone.host}/l`, `http://${there.host}/l`];
    const { body } = await client.openBlob(ref, { ...blob, urls });
    assert.equal((await readAll(body)).toString(), "foreign");
  });

  it("reports a broken connection as retryable", async (t) => {
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
