import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { networkError } from "../../../src/oci-client/transport/network-error.js";
import { Transport } from "../../../src/oci-client/transport/transport.js";
import { failsWith } from "../support/fails-with.js";
import { listen, serve } from "../support/local-server.js";

function newTransport(t: TestContext, timeouts?: ConstructorParameters<typeof Transport>[1]) {
  const transport = new Transport("test", timeouts);
  t.after(() => transport.close());
  return transport;
}

describe("an unreachable registry", () => {
  it("is reported for a refused connection", async (t) => {
    const server = createHttpServer();
    const port = await listen(t, server);
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(
      newTransport(t).send(new URL(`http://127.0.0.1:${port}/`)),
      failsWith("REGISTRY_UNREACHABLE", /refused the connection/, { retryable: true }),
    );
  });

  it("is reported for plain HTTP instead of HTTPS", async (t) => {
    const server = await serve(t, (_request, response) => response.end());
    await assert.rejects(
      newTransport(t).send(new URL(`https://${server.host}/`)),
      failsWith("REGISTRY_UNREACHABLE", /plain HTTP/, { retryable: false }),
    );
  });

  it("is reported for an untrusted certificate", async (t) => {
    const port = await listen(t, createTlsServer(await selfSigned(t)));
    await assert.rejects(
      newTransport(t).send(new URL(`https://127.0.0.1:${port}/`)),
      failsWith("REGISTRY_UNREACHABLE", /certificate.*not trust/, { retryable: false }),
    );
  });

  it("is reported for a connection that ends before the response", async (t) => {
    const server = await serve(t, (request) => request.socket.destroy());
    await assert.rejects(
      newTransport(t).send(new URL(`http://${server.host}/`)),
      failsWith("REGISTRY_UNREACHABLE", /closed the connection early/, { retryable: true }),
    );
  });

  it("is reported for a protocol other than HTTP", async (t) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end("SSH-2.0-OpenSSH_9.2\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    await assert.rejects(
      newTransport(t).send(new URL(`http://127.0.0.1:${port}/`)),
      failsWith("REGISTRY_UNREACHABLE"),
    );
  });

  it("is reported for a response that takes too long", async (t) => {
    const server = await serve(t, () => {});
    const transport = newTransport(t, { connectMs: 1000, headersMs: 100, bodyMs: 100 });
    await assert.rejects(
      transport.send(new URL(`http://${server.host}/`)),
      failsWith("REGISTRY_UNREACHABLE", /in time/, { retryable: true }),
    );
  });

  it("is reported for a body that stalls", async (t) => {
    const server = await serve(t, (_request, response) => response.write("x"));
    const transport = newTransport(t, { connectMs: 1000, headersMs: 100, bodyMs: 100 });
    const { body } = await transport.send(new URL(`http://${server.host}/`));
    await assert.rejects(
      async () => {
        for await (const _chunk of body);
      },
      failsWith("REGISTRY_UNREACHABLE", /stopped sending/, { retryable: true }),
    );
  });
});

describe("networkError", () => {
  const coded = (code: string, message = "x") => Object.assign(new Error(message), { code });
  const errors: [name: string, error: unknown, words: RegExp][] = [
    ["a host that does not exist", coded("ENOTFOUND"), /no such host/],
    ["a DNS server that does not answer", coded("EAI_AGAIN"), /looked up/],
    [
      "a cause within a cause",
      new Error("a", { cause: new Error("b", { cause: coded("ECONNREFUSED") }) }),
      /refused/,
    ],
    [
      "several errors in one",
      new AggregateError([coded("ENETUNREACH"), coded("ECONNREFUSED")]),
      /refused/,
    ],
    ["an expired certificate", coded("CERT_HAS_EXPIRED"), /not valid today/],
    ["a certificate for another name", coded("ERR_TLS_CERT_ALTNAME_INVALID"), /another name/],
    ["an unknown authority", coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), /not trust/],
    [
      "an unknown error",
      new Error("\u001b[31mboo"),
      /could not be reached \(Error: \uFFFD\[31mboo\)/,
    ],
    ["a value that is not an error", "boo", /boo/],
  ];
  for (const [name, error, words] of errors) {
    it(`describes ${name}`, () => {
      const translated = networkError(error, new URL("https://me:secret@quay.io/v2/?secret"));
      failsWith("REGISTRY_UNREACHABLE", words)(translated);
      assert.match(translated.message, /^quay\.io /);
      assert.equal(translated.cause, error);
    });
  }
});

async function selfSigned(t: TestContext): Promise<{ key: Buffer; cert: Buffer }> {
  const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
  t.after(() => rm(directory, { recursive: true }));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const options =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=x";
  await promisify(execFile)("openssl", [...options.split(" "), "-keyout", key, "-out", cert]);
  return { key: await readFile(key), cert: await readFile(cert) };
}
