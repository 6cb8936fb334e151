import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fetchToken } from "../../../src/oci-client/auth/token.js";
import {
  type Clock,
  type Credential,
  type CredentialOrigin,
  type CredentialStore,
  type Descriptor,
  type OciClientError,
  parsePlatform,
  parseReference,
  RegistryClient,
} from "../../../src/oci-client/index.js";
import { Transport } from "../../../src/oci-client/transport/transport.js";
import { failsWith } from "../support/fails-with.js";
import { FakeClock } from "../support/fake-clock.js";
import { ImageContent } from "../support/image-content.js";
import {
  fail,
  type Interceptor,
  type LocalServer,
  serve,
  serveImage,
} from "../support/local-server.js";

const amd64 = parsePlatform("linux/amd64");
const alice = { username: "alice", password: "sécret:with colon" };
/** RFC 7617: base64 of user, colon, and password in UTF-8, made with base64 of coreutils. */
const aliceBasic = "Basic YWxpY2U6c8OpY3JldDp3aXRoIGNvbG9u";

function holding(credential?: Credential): CredentialStore {
  return { lookup: async () => credential };
}

async function setUp(
  t: TestContext,
  intercept: Interceptor,
  credential?: Credential,
  clock?: Clock,
) {
  const content = new ImageContent();
  const root = content.image(amd64);
  const server = await serveImage(t, content, root, intercept);
  const client = new RegistryClient({ credentials: holding(credential), ...(clock && { clock }) });
  t.after(() => client.close());
  const layer: Descriptor = content.json(root).layers[0];
  return { client, server, layer, ref: parseReference(`${server.host}/os/image:v1`) };
}

function challenge(response: ServerResponse, header: string | string[]): true {
  response.setHeader("www-authenticate", header);
  fail(response, 401, "UNAUTHORIZED");
  return true;
}

/** Accepts requests with an accepted token, and refers others to the token server. */
function wantsToken(realm: string, accepts: (token: string) => boolean = () => true): Interceptor {
  return ({ headers }, response) => {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    if (token !== undefined && accepts(token)) return false;
    const scope = "repository:os/image:pull";
    return challenge(response, `Bearer realm="${realm}",service="here",scope="${scope}"`);
  };
}

/** A token server that numbers its tokens: t1, t2, … */
async function serveTokens(
  t: TestContext,
  answer = (token: string): object => ({ token }),
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<LocalServer & { realm: string; issued: () => number }> {
  let count = 0;
  const server = await serve(t, (request, response) => {
    if (!intercept(request, response)) response.end(JSON.stringify(answer(`t${++count}`)));
  });
  return { ...server, realm: `http://${server.host}/token?given=1`, issued: () => count };
}

describe("Basic authorization", () => {
  const wantsAlice: Interceptor = ({ headers }, response) =>
    headers.authorization === aliceBasic ? false : challenge(response, 'Basic realm="x"');

  it("is sent after a challenge, and then with every request", async (t) => {
    const { client, server, ref } = await setUp(t, wantsAlice, alice);
    await client.resolve(ref, amd64);
    const sent = server.requests.map(({ headers }) => headers.authorization);
    assert.deepEqual(sent, [undefined, aliceBasic, aliceBasic]);
  });

  it("fails with a wrong password, and the message says so", async (t) => {
    const { client, ref, server } = await setUp(t, wantsAlice, { ...alice, password: "wrong" });
    await assert.rejects(
      client.resolve(ref, amd64),
      failsWith("REGISTRY_DENIED", /refused the credentials/, { status: 401 }),
    );
    assert.equal(server.requests.length, 2);
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_DENIED"));
    assert.equal(server.requests.length, 3, "refused credentials are not sent twice");
  });

  const origins: [name: string, origin: CredentialOrigin | undefined, hint: RegExp][] = [
    [
      "the options that gave them",
      { kind: "caller", source: "--username and --password-stdin" },
      /^Check the credentials given with --username and --password-stdin, or use an account that may read os\/image\.$/,
    ],
    [
      "docker login for Docker's config.json",
      { kind: "docker-config", path: "/home/me/.docker/config.json" },
      /: docker login 127\.0\.0\.1:\d+ updates \/home\/me\/\.docker\/config\.json\.$/,
    ],
    [
      "podman login for another file",
      { kind: "auth-file", path: "/run/auth.json" },
      /: podman login --authfile \/run\/auth\.json 127\.0\.0\.1:\d+ updates \/run\/auth\.json\.$/,
    ],
    [
      "the credential helper and the file that configures it",
      { kind: "helper", program: "docker-credential-ours", path: "/home/me/config.json" },
      /come from docker-credential-ours, which \/home\/me\/config\.json names\.$/,
    ],
    [
      "the registry if their origin is unknown",
      undefined,
      /^Check the credentials for 127\.0\.0\.1:\d+, or/,
    ],
  ];
  for (const [name, origin, hint] of origins) {
    it(`names in the hint about refused credentials ${name}`, async (t) => {
      const wrong = { ...alice, password: "wrong", ...(origin && { origin }) };
      const { client, ref } = await setUp(t, wantsAlice, wrong);
      await assert.rejects(client.manifest(ref), (error: OciClientError) => {
        assert.match(error.hint, hint);
        return failsWith("REGISTRY_DENIED", /refused the credentials/)(error);
      });
    });
  }

  it("names them as well if the token server refuses the credentials", async (t) => {
    const tokens = await serveTokens(t, undefined, (_request, response) => {
      fail(response, 401, "UNAUTHORIZED");
      return true;
    });
    const wants = wantsToken(tokens.realm);
    const origin = { kind: "caller", source: "--username and --password-stdin" } as const;
    const { client, ref } = await setUp(t, wants, { ...alice, origin });
    await assert.rejects(client.manifest(ref), (error: OciClientError) => {
      assert.match(error.hint, /--password-stdin/);
      return failsWith("REGISTRY_DENIED", /refused the credentials/)(error);
    });
  });

  it("fails without credentials, and the message says so", async (t) => {
    const { client, ref } = await setUp(t, wantsAlice);
    await assert.rejects(
      client.resolve(ref, amd64),
      failsWith("REGISTRY_DENIED", /without credentials/),
    );
  });
});

describe("Bearer authorization", () => {
  it("gets an anonymous token without credentials", async (t) => {
    const tokens = await serveTokens(t);
    const { client, ref } = await setUp(t, wantsToken(tokens.realm));
    await client.resolve(ref, amd64);
    assert.equal(tokens.issued(), 1, "the token is kept for the config");
    const { url, headers } = tokens.requests[0]!;
    const asked = Object.fromEntries(new URL(url!, "http://x").searchParams);
    assert.deepEqual(asked, { given: "1", service: "here", scope: "repository:os/image:pull" });
    assert.equal(headers.authorization, undefined);
  });

  it("sends the password to the token server, and only the token to the registry", async (t) => {
    const tokens = await serveTokens(t);
    const { client, ref, server } = await setUp(t, wantsToken(tokens.realm), alice);
    await client.resolve(ref, amd64);
    assert.equal(tokens.requests[0]!.headers.authorization, aliceBasic);
    const sent = new Set(server.requests.map(({ headers }) => headers.authorization));
    assert.deepEqual([...sent], [undefined, "Bearer t1"]);
  });

  it("prefers Bearer to Basic", async (t) => {
    const tokens = await serveTokens(t);
    const intercept: Interceptor = ({ headers }, response) =>
      headers.authorization === "Bearer t1"
        ? false
        : challenge(response, ['Basic realm="x"', `Bearer realm="${tokens.realm}"`]);
    const { client, ref } = await setUp(t, intercept, alice);
    await client.resolve(ref, amd64);
    const { searchParams } = new URL(tokens.requests[0]!.url!, "http://x");
    assert.equal(searchParams.get("scope"), "repository:os/image:pull", "the default scope");
  });

  it("reads a token named access_token", async (t) => {
    const tokens = await serveTokens(t, (token) => ({ access_token: token, expires_in: 300 }));
    const { client, ref } = await setUp(
      t,
      wantsToken(tokens.realm, (token) => token === "t1"),
    );
    await client.resolve(ref, amd64);
  });

  it("gets a new token after one has expired", async (t) => {
    const tokens = await serveTokens(t);
    let valid = "t1";
    const intercept = wantsToken(tokens.realm, (token) => token === valid);
    const { client, ref, layer } = await setUp(t, intercept);
    await client.resolve(ref, amd64);
    valid = "t2";
    await client.openBlob(ref, layer);
    assert.equal(tokens.issued(), 2);
  });

  /** "defaults to 60 seconds", and "should never be returned with less than 60 seconds to live". */
  const lifetimes: [name: string, expiresIn: number | string | undefined, seconds: number][] = [
    ["300", 300, 300],
    ["a string of digits", "300", 300],
    ["a string with zero", "0", 60],
    ["60", 60, 60],
    ["1", 1, 60],
    ["0", 0, 60],
    ["-1", -1, 60],
    ["no value", undefined, 60],
  ];
  for (const [name, expiresIn, seconds] of lifetimes) {
    it(`keeps a token for ${seconds} seconds if expires_in is ${name}`, async (t) => {
      const tokens = await serveTokens(t, (token) => ({ token, expires_in: expiresIn }));
      const clock = new FakeClock();
      const accepts = wantsToken(tokens.realm);
      const { client, ref, server } = await setUp(t, accepts, undefined, clock);
      await client.manifest(ref);
      clock.advance(seconds * 1000 - 1);
      await client.manifest(ref);
      assert.equal(tokens.issued(), 1);
      assert.equal(server.requests.length, 3);
      clock.advance(1);
      await client.manifest(ref);
      assert.equal(tokens.issued(), 2);
    });
  }

  it("reaches other callers if the first one gives up", async (t) => {
    const controller = new AbortController();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tokens = await serveTokens(t, undefined, (_request, response) => {
      controller.abort(new Error("gave up"));
      released.then(() => response.end(JSON.stringify({ token: "late" })));
      return true;
    });
    const { client, ref, layer } = await setUp(t, wantsToken(tokens.realm));
    const first = client.openBlob(ref, layer, { signal: controller.signal });
    const second = client.openBlob(ref, layer);
    await assert.rejects(first, /gave up/);
    release();
    await text((await second).body);
  });

  it("requests only one token if the registry refuses it", async (t) => {
    const tokens = await serveTokens(t);
    const { client, ref } = await setUp(
      t,
      wantsToken(tokens.realm, () => false),
      alice,
    );
    await assert.rejects(
      client.manifest(ref),
      failsWith("REGISTRY_DENIED", /refused the credentials/),
    );
    assert.equal(tokens.issued(), 1);
  });

  it("counts as an answer of the registry if the token server is unreachable", async (t) => {
    const wants = wantsToken("http://127.0.0.1:1/token", () => false);
    const { client, ref } = await setUp(t, wants);
    const { hasAnswered } = client.retryOptions();
    assert.equal(hasAnswered?.(), false);
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_UNREACHABLE", /refused/));
    assert.equal(hasAnswered?.(), true);
  });

  it("fails if the token server refuses the credentials", async (t) => {
    const deny = (_request: IncomingMessage, response: ServerResponse) => {
      fail(response, 401, "UNAUTHORIZED");
      return true;
    };
    const tokens = await serveTokens(t, undefined, deny);
    const { client, ref } = await setUp(t, wantsToken(tokens.realm), alice);
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_DENIED", /refused the cred/));
  });

  const answers: [name: string, answer: string][] = [
    ["text other than JSON", "secret"],
    ["no token", "{}"],
    ["an empty token", '{"token":""}'],
    ["more than 1 MiB", JSON.stringify({ token: "secret".repeat(200_000) })],
  ];
  for (const [name, answer] of answers) {
    it(`refuses a token server's answer with ${name} without quoting it`, async (t) => {
      const tokens = await serve(t, (_request, response) => response.end(answer));
      const realm = `http://${tokens.host}/`;
      const { client, ref } = await setUp(t, wantsToken(realm));
      await assert.rejects(client.manifest(ref), (error: Error) => {
        failsWith("REGISTRY_ERROR", /without a token/)(error);
        return !`${error.message} ${error.cause}`.includes("secret");
      });
    });
  }

  /** The members of the specification's response ("Token Response Fields") that are not as it says. */
  const invalidFields: [field: string, answer: object][] = [
    ["token", { token: "a\r\nX-Forged: secret" }],
    ["token", { token: { secret: 1 }, access_token: "t1" }],
    ["access_token", { token: "t1", access_token: ["secret"] }],
    ["expires_in", { token: "secret", expires_in: "soon" }],
    ["expires_in", { token: "secret", expires_in: "-1" }],
    ["expires_in", { token: "secret", expires_in: {} }],
  ];
  for (const [field, answer] of invalidFields) {
    const sent = JSON.stringify(answer);
    it(`names the invalid field ${field} of a token server's answer ${sent}`, async (t) => {
      const tokens = await serveTokens(t, () => answer);
      const { client, ref } = await setUp(t, wantsToken(tokens.realm));
      await assert.rejects(client.manifest(ref), (error: Error) => {
        failsWith("REGISTRY_ERROR", new RegExp(`sent an invalid ${field}\\.$`))(error);
        return !`${error.message} ${error.cause}`.includes("secret");
      });
    });
  }

  it("ignores a field that it does not need", async (t) => {
    const tokens = await serveTokens(t, (token) => ({ token, issued_at: 1457510670 }));
    const { client, ref } = await setUp(t, wantsToken(tokens.realm));
    await client.manifest(ref);
  });

  it("counts an empty scope and an empty service as absent", async (t) => {
    const tokens = await serveTokens(t);
    const { client, ref } = await setUp(t, ({ headers }, response) => {
      if (headers.authorization !== undefined) return false;
      return challenge(response, `Bearer realm="${tokens.realm}",service="",scope=""`);
    });
    await client.manifest(ref);
    const asked = Object.fromEntries(new URL(tokens.requests[0]!.url!, "http://x").searchParams);
    assert.deepEqual(asked, { given: "1", scope: "repository:os/image:pull" });
  });

  for (const realm of ["http://auth.example/token", "ftp://127.0.0.1/", "token", ""]) {
    it(`sends nothing to the realm "${realm}"`, async (t) => {
      const { client, ref } = await setUp(t, wantsToken(realm), alice);
      await assert.rejects(
        client.manifest(ref),
        failsWith(realm ? "REGISTRY_ERROR" : "REGISTRY_DENIED"),
      );
    });
  }
});

/** Behavior of real registries: containerd/containerd#3291; skopeo requests `/v2/` first. */
describe("a registry that sends its challenge only with /v2/", () => {
  /** Refuses requests without authorization in this way, and has this challenge for `/v2/`. */
  function hiding(
    refuse: (response: ServerResponse) => void,
    header: string,
    accepts = "Bearer t1",
  ): Interceptor {
    return ({ headers, url }, response) => {
      if (headers.authorization === accepts) return false;
      if (url === "/v2/") return challenge(response, header);
      refuse(response);
      return true;
    };
  }
  const refusals: [name: string, refuse: (response: ServerResponse) => void][] = [
    ["401 without a challenge", (response) => fail(response, 401, "UNAUTHORIZED")],
    ["403", (response) => fail(response, 403, "DENIED")],
    ["404", (response) => fail(response, 404, "MANIFEST_UNKNOWN")],
    ["404 and a web page", (response) => response.writeHead(404).end("<html>")],
  ];

  for (const [name, refuse] of refusals) {
    for (const [who, credential] of [
      ["with credentials", alice],
      ["without credentials", undefined],
    ] as const) {
      it(`and refuses with ${name}, is read ${who}`, async (t) => {
        const tokens = await serveTokens(t);
        // The scope is the one that ghcr.io sends.
        const header = `Bearer realm="${tokens.realm}",scope="repository:user/image:pull"`;
        const { client, ref, layer, server } = await setUp(t, hiding(refuse, header), credential);
        await client.resolve(ref, amd64);
        await text((await client.openBlob(ref, layer)).body);
        assert.deepEqual(server.requests.map(({ url }) => url).slice(0, 3), [
          "/v2/os/image/manifests/v1",
          "/v2/",
          "/v2/os/image/manifests/v1",
        ]);
        assert.equal(server.requests.length, 5, "the token is kept");
        const { url, headers } = tokens.requests[0]!;
        const { searchParams } = new URL(url!, "http://x");
        assert.deepEqual(searchParams.getAll("scope"), ["repository:os/image:pull"]);
        assert.equal(headers.authorization, credential && aliceBasic);
      });
    }
  }

  it("is read with a password", async (t) => {
    const hides = hiding((response) => fail(response, 404, "X"), 'Basic realm="x"', aliceBasic);
    const { client, ref } = await setUp(t, hides, alice);
    await client.resolve(ref, amd64);
  });

  it("is asked for it once, and a blob gets a new token after one has expired", async (t) => {
    const tokens = await serveTokens(t);
    const clock = new FakeClock();
    let valid = "Bearer t1";
    const hides: Interceptor = (request, response) => {
      const refuse = (refused: ServerResponse) => fail(refused, 403, "DENIED");
      return hiding(refuse, `Bearer realm="${tokens.realm}"`, valid)(request, response);
    };
    const { client, ref, layer, server } = await setUp(t, hides, alice, clock);
    await client.manifest(ref);
    clock.advance(60_000);
    valid = "Bearer t2";
    await text((await client.openBlob(ref, layer)).body);
    assert.equal(server.requests.filter(({ url }) => url === "/v2/").length, 1);
  });

  it("gets a new token after a 401 without a challenge", async (t) => {
    const tokens = await serveTokens(t);
    let valid = "Bearer t1";
    const hides: Interceptor = (request, response) => {
      const refuse = (refused: ServerResponse) => fail(refused, 401, "UNAUTHORIZED");
      return hiding(refuse, `Bearer realm="${tokens.realm}"`, valid)(request, response);
    };
    const { client, ref, layer } = await setUp(t, hides);
    await client.manifest(ref);
    valid = "Bearer t2";
    await text((await client.openBlob(ref, layer)).body);
  });

  it("is said to demand a login if there is none", async (t) => {
    const hides = hiding((response) => fail(response, 404, "X"), 'Basic realm="x"', aliceBasic);
    const { client, ref } = await setUp(t, hides);
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_DENIED", /without credentials/));
  });

  it("lacks the tag if it answers 404 to a token as well", async (t) => {
    for (const [credential, hint] of [
      [alice, /^Check the tag\.$/],
      [undefined, /^Check the tag, or log in: docker login 127\.0\.0\.1:\d+\.$/],
    ] as const) {
      const tokens = await serveTokens(t);
      const realm = `Bearer realm="${tokens.realm}"`;
      const hides = hiding((response) => fail(response, 404, "X"), realm, "nothing");
      const { client, ref, server } = await setUp(t, hides, credential);
      await assert.rejects(client.manifest(ref), (error: OciClientError) => {
        assert.match(error.hint, hint);
        return failsWith("IMAGE_NOT_FOUND", /no tag v1/)(error);
      });
      assert.equal(server.requests.length, 3);
    }
  });
});

describe("a registry that refuses without any challenge", () => {
  const answers: [name: string, ping: (response: ServerResponse) => void][] = [
    ["accepts /v2/", (response) => response.end("{}")],
    ["does not know /v2/", (response) => fail(response, 404, "NOT_FOUND")],
    [
      "redirects /v2/ to an insecure URL",
      (response) => response.writeHead(302, { location: "http://other.example/" }).end(),
    ],
  ];
  for (const [name, ping] of answers) {
    it(`and ${name}, is asked for /v2/ once, and its first answer counts`, async (t) => {
      const { client, ref, server } = await setUp(
        t,
        ({ url }, response) => {
          if (url === "/v2/") ping(response);
          else if (url!.endsWith("denied")) fail(response, 403, "DENIED");
          else fail(response, 404, "NAME_UNKNOWN");
          return true;
        },
        alice,
      );
      await assert.rejects(client.manifest(ref), failsWith("IMAGE_NOT_FOUND", /no repository/));
      const denied = failsWith("REGISTRY_DENIED", undefined, { status: 403 });
      await assert.rejects(client.manifest(ref, { tag: "denied" }), denied);
      assert.equal(server.requests.length, 3);
    });
  }

  it("because it is busy, is asked again later", async (t) => {
    const { client, ref } = await setUp(t, ({ url }, response) => {
      fail(response, url === "/v2/" ? 503 : 404, "UNAVAILABLE");
      return true;
    });
    const busy = failsWith("REGISTRY_ERROR", /answered 503 for \/v2\//, { retryable: true });
    await assert.rejects(client.manifest(ref), busy);
  });

  it("because another host does, to which it redirects, gets no credentials", async (t) => {
    const cdn = await serve(t, (_request, response) => fail(response, 404, "UNKNOWN"));
    const { client, ref, server } = await setUp(
      t,
      (_request, response) => {
        response.writeHead(307, { location: `http://${cdn.host}/` }).end();
        return true;
      },
      alice,
    );
    await assert.rejects(client.manifest(ref), failsWith("IMAGE_NOT_FOUND"));
    assert.equal(server.requests.length, 1);
  });
});

describe("the token server of a remote registry", () => {
  function ask(t: TestContext, realm: string) {
    const transport = new Transport("test");
    t.after(() => transport.close());
    const scope = "repository:os/image:pull";
    const place = { registry: "registry.example", repository: "os/image" };
    return fetchToken(transport, { ...place, realm, scope, credential: alice });
  }

  it("gets no request if it is on this machine", async (t) => {
    const plain = await serveTokens(t);
    const realm = plain.realm.replace("http:", "https:");
    await assert.rejects(
      ask(t, realm),
      failsWith("REGISTRY_ERROR", /private address.*not its own/),
    );
    assert.equal(plain.requests.length, 0);
  });

  it("gets no request over plain HTTP, even on this machine", async (t) => {
    const plain = await serveTokens(t);
    await assert.rejects(ask(t, plain.realm), failsWith("REGISTRY_ERROR", /safe/));
    assert.equal(plain.requests.length, 0);
  });
});

describe("an identity token", () => {
  const identity: Credential = { identityToken: "refresh me" };

  it("is exchanged by OAuth 2", async (t) => {
    let form: Promise<string> | undefined;
    const tokens = await serveTokens(t, undefined, (request) => {
      form = text(request);
      return false;
    });
    const { client, ref } = await setUp(t, wantsToken(tokens.realm), identity);
    await client.manifest(ref);
    assert.equal(tokens.requests[0]!.method, "POST");
    const { client_id, ...sent } = Object.fromEntries(new URLSearchParams(await form));
    assert.ok(client_id);
    assert.deepEqual(sent, {
      grant_type: "refresh_token",
      service: "here",
      scope: "repository:os/image:pull",
      refresh_token: "refresh me",
    });
  });

  for (const status of [401, 404, 405]) {
    it(`is used with GET if the token server does not support OAuth 2 (${status})`, async (t) => {
      const tokens = await serveTokens(t, undefined, ({ method }, response) => {
        if (method === "POST") response.writeHead(status).end();
        return method === "POST";
      });
      const { client, ref } = await setUp(t, wantsToken(tokens.realm), identity);
      await client.manifest(ref);
      assert.deepEqual(
        tokens.requests.map(({ method }) => method),
        ["POST", "GET"],
      );
    });
  }
});

describe("a token server's redirect", () => {
  const leading = async (t: TestContext, location: string) => {
    const tokens = await serveTokens(t, undefined, ({ url }, response) => {
      if (url!.startsWith("/elsewhere")) return false;
      response.writeHead(307, { location }).end();
      return true;
    });
    const { client, ref } = await setUp(t, wantsToken(tokens.realm), alice);
    return { tokens, client, ref };
  };

  it("is followed within its host, with the password", async (t) => {
    const { tokens, client, ref } = await leading(t, "/elsewhere");
    await client.manifest(ref);
    assert.equal(tokens.requests[1]!.headers.authorization, aliceBasic);
  });

  it("is not followed to another host", async (t) => {
    const other = await serveTokens(t);
    const { client, ref } = await leading(t, other.realm.replace("127.0.0.1", "localhost"));
    await assert.rejects(client.manifest(ref), failsWith("REGISTRY_ERROR", /another host/));
    assert.equal(other.requests.length, 0);
  });
});

describe("a redirect", () => {
  function redirecting(location: (url: string) => string): Interceptor {
    return ({ url, headers }, response) => {
      if (headers.authorization !== aliceBasic) return challenge(response, 'Basic realm="x"');
      if (!url!.includes("/blobs/")) return false;
      response.writeHead(307, { location: location(url!) }).end("moved");
      return true;
    };
  }

  it("to another host is followed without Authorization, but with the range", async (t) => {
    const cdn = await serve(t, (_request, response) => response.end("blob"));
    const to = redirecting(() => `http://${cdn.host}/signed?x=1`);
    const { client, ref, layer } = await setUp(t, to, alice);
    await client.openBlob(ref, layer, { offset: 1 });
    assert.equal(cdn.requests[0]!.url, "/signed?x=1");
    assert.equal(cdn.requests[0]!.headers.authorization, undefined);
    assert.equal(cdn.requests[0]!.headers.range, "bytes=1-");
  });

  it("to another host and back is followed without Authorization too", async (t) => {
    const { client, ref, layer, server } = await setUp(
      t,
      (request, response) => {
        if (request.url === "/back") return Boolean(response.end("blob"));
        return redirecting(() => `http://${cdn.host}/`)(request, response);
      },
      alice,
    );
    const cdn = await serve(t, (_request, response) => {
      response.writeHead(302, { location: `http://${server.host}/back` }).end();
    });
    await client.openBlob(ref, layer);
    assert.equal(server.requests.at(-1)!.url, "/back");
    assert.equal(server.requests.at(-1)!.headers.authorization, undefined);
  });

  it("within the registry keeps its Authorization", async (t) => {
    const { client, ref, layer, server } = await setUp(
      t,
      (request, response) => {
        if (request.url === "/elsewhere") return Boolean(response.end("blob"));
        return redirecting(() => "/elsewhere")(request, response);
      },
      alice,
    );
    await client.openBlob(ref, layer);
    assert.equal(server.requests.at(-1)!.headers.authorization, aliceBasic);
  });

  it("to a host with a challenge sends no credentials", async (t) => {
    const tokens = await serveTokens(t);
    const header = ['Basic realm="me too"', `Bearer realm="${tokens.realm}"`];
    const cdn = await serve(t, (_request, response) => challenge(response, header));
    const { client, ref, layer } = await setUp(
      t,
      redirecting(() => `http://${cdn.host}/`),
      alice,
    );
    await client.manifest(ref); // From now on the registry itself sends no challenge.
    await assert.rejects(client.openBlob(ref, layer), failsWith("REGISTRY_ERROR", /401/));
    assert.equal(cdn.requests.length, 1);
    assert.equal(cdn.requests[0]!.headers.authorization, undefined);
    assert.equal(tokens.issued(), 0);
  });

  it("with an expired signature is retryable", async (t) => {
    const cdn = await serve(t, (_request, response) => response.writeHead(403).end());
    const { client, ref, layer } = await setUp(
      t,
      redirecting(() => `http://${cdn.host}/`),
      alice,
    );
    await assert.rejects(
      client.openBlob(ref, layer),
      failsWith("REGISTRY_ERROR", /403/, { retryable: true }),
    );
  });

  it("is followed five times", async (t) => {
    const { client, ref, layer, server } = await setUp(
      t,
      redirecting((url) => url),
      alice,
    );
    await assert.rejects(client.openBlob(ref, layer), failsWith("REGISTRY_ERROR", /too often/));
    assert.equal(server.requests.length, 1 + 6);
  });
});
