import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parsePlatform } from "../../../src/oci-client/index.js";
import { openSource } from "../../../src/sources/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { addImage, noise } from "../../extract/support/images.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { ImageContent } from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";
import {
  type Asked,
  type Fault,
  type FaultyRegistry,
  faultyRegistry,
  type Kind,
  sendSome,
  sendStatus,
} from "../support/faulty-registry.js";

const content = new ImageContent();
const root = addImage(content, [baseLayer, [noise("noise", 3_000_000)]]);
const layers: { mediaType: string; digest: string; size: number }[] = content.json(root).layers;
const { size } = layers[1]!;
const million = 1_000_000;
/** For cases in which the registry falls silent. */
const impatient = { silenceMs: 1000 };

interface Case {
  readonly name: string;
  readonly faults: Partial<Record<Kind, Fault>>;
  /** The error, if the pull fails. */
  readonly error?: { code: string; message: RegExp };
  readonly retryTimeoutMs?: number;
  /** The timeout for silence; long if the registry is never silent, because a busy machine may be. */
  readonly silenceMs?: number;
  /** The first bytes of the ranges in which the large layer was requested, in order. */
  readonly ranges?: readonly number[];
  /** Number of requests of each kind. */
  readonly times?: Partial<Record<Kind, number>>;
  /** A notice or warning. */
  readonly notice?: RegExp;
}

/** Closes the connection after a number of bytes, as often as `times` says. */
function breaksAfter(length: number, times = 1): Fault {
  return (asked) => {
    if (asked.time > times) return asked.well();
    sendSome(asked, length).then(() => asked.response.destroy());
  };
}

/** Applies a fault to the first requests, and answers the later ones correctly. */
function first(times: number, fault: Fault): Fault {
  return (asked) => (asked.time > times ? asked.well() : fault(asked));
}

function status(code: number, headers?: () => Record<string, string>): Fault {
  return (asked) => sendStatus(asked, code, headers?.());
}

const after = (seconds: number) => () => ({ "retry-after": String(seconds) });
const redirect: Fault = (asked) => sendStatus(asked, 307, { location: `${asked.elsewhere}/x` });
const hangUp: Fault = ({ request }) => request.socket.destroy();

/** Sends all bytes, some of them wrong. */
function damaged({ response, bytes }: Asked): void {
  response.end(Buffer.concat([bytes.subarray(0, bytes.length - 1000), Buffer.alloc(1000)]));
}

const token: Fault = ({ response, time }) => {
  response.end(JSON.stringify({ token: `t${time}`, expires_in: 300 }));
};

const cases: readonly Case[] = [
  // Connections that break.
  {
    name: "a layer that breaks off",
    faults: { layer: breaksAfter(million) },
    ranges: [0, million],
  },
  {
    name: "a layer that breaks off three times",
    faults: { layer: breaksAfter(900_000, 3) },
    ranges: [0, 900_000, 1_800_000, 2_700_000],
  },
  {
    name: "a layer that breaks off at its first byte",
    faults: { layer: breaksAfter(1) },
    ranges: [0, 1],
  },
  {
    name: "a layer that breaks off before its last byte",
    faults: { layer: breaksAfter(size - 1) },
    ranges: [0, size - 1],
  },
  {
    name: "a layer whose connection is closed without an answer",
    faults: { layer: first(3, hangUp) },
  },
  {
    name: "a manifest whose connection is closed without an answer",
    faults: { manifest: first(2, hangUp) },
  },
  {
    name: "a manifest that breaks off",
    faults: { manifest: breaksAfter(100) },
    times: { manifest: 2 },
  },
  {
    name: "a configuration that breaks off",
    faults: { config: breaksAfter(10) },
    times: { config: 2 },
  },
  {
    name: "a token server that hangs up",
    faults: { token: (asked) => (asked.time < 3 ? hangUp(asked) : token(asked)) },
  },
  {
    name: "a layer that always breaks off at the same byte",
    faults: {
      layer: (asked) =>
        asked.from < million
          ? sendSome(asked, million - asked.from).then(() => asked.response.destroy())
          : hangUp(asked),
    },
    retryTimeoutMs: 300,
    error: {
      code: "REGISTRY_UNREACHABLE",
      message:
        /closed the connection early; tried \d+ times within .*; received 1\.0 MB of 3\.0 MB\.$/,
    },
  },
  {
    name: "a layer that never comes",
    faults: { layer: hangUp },
    retryTimeoutMs: 200,
    error: { code: "REGISTRY_UNREACHABLE", message: /; received 0 B of 3\.0 MB/ },
  },
  // Silence.
  {
    ...impatient,
    name: "a layer that stalls",
    faults: { layer: first(1, (asked) => sendSome(asked, million)) },
    ranges: [0, million],
    notice: /stopped sending; trying again in/,
  },
  {
    ...impatient,
    name: "a layer whose answer does not come",
    faults: { layer: first(1, () => {}) },
    notice: /did not answer in time; trying again in/,
  },
  {
    ...impatient,
    name: "a manifest whose answer does not come",
    faults: { manifest: first(1, () => {}) },
  },
  {
    ...impatient,
    name: "a manifest that stalls",
    faults: { manifest: first(1, (asked) => sendSome(asked, 50)) },
  },
  {
    ...impatient,
    name: "a layer that always stalls",
    faults: { layer: (asked) => sendSome(asked, 0) },
    retryTimeoutMs: 400,
    error: { code: "REGISTRY_UNREACHABLE", message: /stopped sending; tried/ },
  },
  {
    ...impatient,
    name: "a token that stalls",
    faults: { token: (asked) => (asked.time === 1 ? sendSome(asked, 1) : token(asked)) },
  },
  {
    ...impatient,
    name: "a layer that comes slowly, byte by byte",
    faults: {
      layer: async ({ response, bytes }) => {
        response.writeHead(200, { "content-length": bytes.length });
        for (let at = 0; at < 20; at += 1) {
          response.write(bytes.subarray(at, at + 1));
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        response.end(bytes.subarray(20));
      },
    },
    times: { layer: 1 },
  },
  {
    name: "a chunked layer with an invalid chunk size",
    faults: {
      layer: first(1, async ({ request, bytes, hasStored }) => {
        request.socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n186a0\r\n");
        request.socket.write(bytes.subarray(0, 100_000));
        await hasStored(100_000);
        request.socket.write("\r\nno number\r\n");
      }),
    },
    ranges: [0, 100_000],
    notice: /trying again/,
  },
  // Overloaded servers.
  {
    name: "429 with a Retry-After in seconds",
    faults: { layer: first(1, status(429, after(1))) },
    notice: /429 .*; trying again in 1 s/,
  },
  {
    name: "429 with a Retry-After date",
    faults: {
      layer: first(
        1,
        status(429, () => ({ "retry-after": new Date(Date.now() + 1500).toUTCString() })),
      ),
    },
    notice: /429/,
  },
  {
    name: "429 with a Retry-After date of a clock that is years ahead",
    faults: {
      layer: first(
        1,
        status(429, () => ({
          date: "Fri, 01 Jan 2100 00:00:00 GMT",
          "retry-after": "Fri, 01 Jan 2100 00:00:01 GMT",
        })),
      ),
    },
    notice: /; trying again in 1 s/,
  },
  {
    name: "429 with a Retry-After date in the past",
    faults: {
      layer: first(
        1,
        status(429, () => ({ "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" })),
      ),
    },
  },
  {
    name: "429 with an invalid Retry-After",
    faults: {
      layer: first(
        1,
        status(429, () => ({ "retry-after": "soon" })),
      ),
    },
  },
  {
    name: "429 without Retry-After",
    faults: { manifest: first(3, status(429)) },
    times: { manifest: 4 },
  },
  {
    name: "503 with a Retry-After beyond the time limit",
    faults: { layer: status(503, after(86_400)) },
    times: { layer: 1 },
    error: {
      code: "REGISTRY_ERROR",
      message: /503 .*tried once, and the server asks to wait 1440 min/,
    },
  },
  {
    name: "502 in a burst",
    faults: { layer: first(4, status(502)) },
    times: { layer: 5 },
    notice: /502/,
  },
  {
    name: "502 in a burst for the manifest",
    faults: { manifest: first(4, status(502)) },
    times: { manifest: 5 },
  },
  {
    name: "503 for the configuration",
    faults: { config: first(2, status(503)) },
    times: { config: 3 },
  },
  {
    name: "504 and 500 and 408 in turn",
    faults: { layer: first(3, (asked) => sendStatus(asked, [504, 500, 408][asked.time - 1]!)) },
  },
  {
    name: "503 of the token server",
    faults: { token: (asked) => (asked.time < 3 ? sendStatus(asked, 503) : token(asked)) },
  },
  {
    name: "503 for every request",
    faults: { manifest: status(503) },
    retryTimeoutMs: 200,
    error: { code: "REGISTRY_ERROR", message: /answered 503 .*; tried \d+ times within/ },
  },
  {
    name: "502 in the middle of a layer",
    faults: {
      layer: (asked) =>
        asked.time === 1
          ? breaksAfter(million)(asked)
          : asked.time === 2
            ? sendStatus(asked, 502)
            : asked.well(),
    },
    ranges: [0, million, million],
  },
  // Errors that are not retried.
  {
    name: "403 of the registry",
    faults: { layer: status(403) },
    times: { layer: 1 },
    error: { code: "REGISTRY_DENIED", message: /credentials/ },
  },
  {
    name: "404 for a layer",
    faults: { layer: status(404) },
    times: { layer: 1 },
    error: { code: "BLOB_NOT_FOUND", message: /no blob/ },
  },
  {
    name: "404 for the manifest",
    faults: { manifest: status(404) },
    times: { manifest: 1 },
    error: { code: "IMAGE_NOT_FOUND", message: /no tag/ },
  },
  {
    name: "400 for a layer",
    faults: { layer: status(400) },
    times: { layer: 1 },
    error: { code: "REGISTRY_ERROR", message: /400/ },
  },
  {
    name: "401 after a new token",
    faults: { token: ({ response }) => response.end(JSON.stringify({ token: "wrong" })) },
    error: { code: "REGISTRY_DENIED", message: /without credentials/ },
  },
  // Tokens and signed addresses that run out.
  {
    name: "401 in the middle of a layer",
    faults: {
      token,
      layer: (asked) => {
        if (asked.time === 1) return breaksAfter(million)(asked);
        if (asked.time > 2) return asked.well();
        const realm = `http://${asked.request.headers.host}/token`;
        sendStatus(asked, 401, { "www-authenticate": `Bearer realm="${realm}",service="x"` });
      },
    },
    ranges: [0, million, million],
    times: { token: 2 },
  },
  {
    name: "a redirect to another host",
    faults: { token, layer: redirect },
    times: { elsewhere: 1 },
  },
  {
    name: "a redirect to another host that breaks off",
    faults: { token, layer: redirect, elsewhere: breaksAfter(million) },
    ranges: [0, million],
    times: { elsewhere: 2 },
  },
  ...[400, 401, 403].map(
    (code): Case => ({
      name: `a signed address that runs out in the middle, with ${code}`,
      faults: {
        token,
        layer: redirect,
        elsewhere: (asked) =>
          asked.time === 1
            ? breaksAfter(million)(asked)
            : asked.time === 2
              ? sendStatus(asked, code)
              : asked.well(),
      },
      ranges: [0, million, million],
    }),
  ),
  {
    name: "a signed address that is always refused",
    faults: { layer: redirect, elsewhere: status(403) },
    times: { elsewhere: 3 },
    error: { code: "REGISTRY_ERROR", message: /403 .*tried 3 times/ },
  },
  {
    name: "502 of the other host",
    faults: { layer: redirect, elsewhere: first(2, status(502)) },
    times: { layer: 3 },
  },
  {
    name: "a redirect loop",
    faults: {
      layer: ({ request, response }) => response.writeHead(307, { location: request.url! }).end(),
    },
    error: { code: "REGISTRY_ERROR", message: /too often/ },
  },
  {
    name: "a redirect to an invalid address",
    faults: { layer: status(307, () => ({ location: "http://" })) },
    error: { code: "REGISTRY_ERROR", message: /an invalid URL/ },
  },
  // Ranges.
  {
    name: "the whole layer instead of the rest",
    faults: {
      layer: (asked) =>
        asked.time === 1 ? breaksAfter(million)(asked) : asked.response.end(asked.bytes),
    },
    ranges: [0, million],
    notice: /cannot resume/,
  },
  {
    name: "the whole layer instead of the rest, but fewer bytes than are there",
    faults: {
      layer: (asked) => {
        if (asked.time === 1) return breaksAfter(2 * million)(asked);
        if (asked.time > 2) return asked.well();
        return sendSome({ ...asked, from: 0 }, million).then(() => asked.response.destroy());
      },
    },
    ranges: [0, 2 * million, 2 * million],
  },
  ...(
    [
      ["another beginning", `bytes 5-${size - 1}/${size}`],
      ["another end", `bytes ${million}-${size}/${size}`],
      ["another size", `bytes ${million}-${size - 1}/${size + 1}`],
      ["another unit", `lines ${million}-${size - 1}/${size}`],
      ["no sense", "what?"],
    ] as const
  ).map(
    ([what, range]): Case => ({
      name: `a Content-Range with ${what}`,
      faults: {
        layer: (asked) => {
          if (asked.time === 1) return breaksAfter(million)(asked);
          if (asked.from === 0) return asked.well();
          asked.response.writeHead(206, { "content-range": range }).end(asked.bytes.subarray(5));
        },
      },
      ranges: [0, million, 0],
    }),
  ),
  {
    name: "206 without Content-Range",
    faults: {
      layer: (asked) =>
        asked.time === 1
          ? breaksAfter(million)(asked)
          : asked.from === 0
            ? asked.well()
            : asked.response.writeHead(206).end(asked.bytes),
    },
    ranges: [0, million, 0],
  },
  {
    name: "416 for the rest",
    faults: {
      layer: (asked) =>
        asked.time === 1
          ? breaksAfter(million)(asked)
          : asked.from === 0
            ? asked.well()
            : sendStatus(asked, 416),
    },
    ranges: [0, million, 0],
  },
  // Wrong bytes, wrong lengths.
  {
    name: "wrong bytes, once",
    faults: { layer: first(1, damaged) },
    ranges: [0, 0],
    notice: /were wrong; fetching them again/,
  },
  {
    name: "wrong bytes, twice",
    faults: { layer: damaged },
    times: { layer: 2 },
    error: { code: "BLOB_MISMATCH", message: /a different digest/ },
  },
  {
    name: "a rest that does not match the first bytes",
    faults: {
      layer: (asked) =>
        asked.time === 1
          ? breaksAfter(million)(asked)
          : asked.time === 2
            ? asked.response
                .writeHead(206, { "content-range": `bytes ${million}-${size - 1}/${size}` })
                .end(Buffer.alloc(size - million))
            : asked.well(),
    },
    ranges: [0, million, 0],
  },
  {
    name: "another layer instead of the rest",
    faults: {
      layer: (asked) =>
        asked.time === 1
          ? breaksAfter(million)(asked)
          : asked.time === 2
            ? asked.response.end(Buffer.alloc(size))
            : asked.well(),
    },
    ranges: [0, million, 0],
  },
  {
    name: "too many bytes, once",
    faults: {
      layer: first(1, ({ response, bytes }) => response.end(Buffer.concat([bytes, bytes]))),
    },
    ranges: [0, 0],
  },
  {
    name: "too many bytes, always",
    faults: { layer: ({ response, bytes }) => response.end(Buffer.concat([bytes, bytes])) },
    times: { layer: 2 },
    error: { code: "BLOB_MISMATCH", message: /continues beyond/ },
  },
  {
    name: "too few bytes with a matching length",
    faults: { layer: first(1, ({ response, bytes }) => response.end(bytes.subarray(0, million))) },
    ranges: [0, million],
  },
  {
    name: "too few bytes, always",
    faults: { layer: ({ response, bytes }) => response.end(bytes.subarray(0, million)) },
    times: { layer: 4 },
    error: { code: "BLOB_MISMATCH", message: /ended after 1000000 of/ },
  },
  {
    name: "a Content-Length that is too short",
    faults: {
      layer: first(1, ({ response, bytes }) =>
        response.writeHead(200, { "content-length": million }).end(bytes.subarray(0, million)),
      ),
    },
    ranges: [0, million],
  },
  {
    name: "a Content-Length that is too long",
    faults: {
      layer: first(1, async ({ response, bytes, hasStored }) => {
        response.writeHead(200, { "content-length": bytes.length + 10 });
        response.write(bytes.subarray(0, million));
        await hasStored(million);
        response.destroy();
      }),
    },
    ranges: [0, million],
  },
  {
    name: "no bytes at all",
    faults: { layer: first(2, ({ response }) => response.end()) },
    ranges: [0, 0, 0],
  },
  {
    name: "an error page with status 200",
    faults: {
      layer: first(1, ({ response }) => response.end("<html>Sign in to the hotel</html>")),
    },
    notice: /were wrong; fetching them again/,
  },
  {
    name: "a wrong configuration, once",
    faults: { config: first(1, damaged) },
    times: { config: 2 },
  },
  {
    name: "a wrong configuration, twice",
    faults: { config: damaged },
    times: { config: 2 },
    error: { code: "BLOB_MISMATCH", message: /continues beyond/ },
  },
  {
    name: "bytes that are not HTTP",
    faults: {
      layer: first(1, ({ request }) => {
        request.socket.end("SSH-2.0-OpenSSH\r\n");
      }),
    },
    error: { code: "REGISTRY_UNREACHABLE", message: /./ },
  },
];

describe("a pull that receives", { concurrency: 4 }, () => {
  assert.ok(cases.length >= 40);
  for (const each of cases) {
    const end = each.error === undefined ? "succeeds" : `fails with ${each.error.code}`;
    it(`${each.name} ${end}`, { timeout: 60_000 }, async (t) => {
      const cacheDirectory = await temporaryDirectory();
      const registry = await faultyRegistry(t, content, root, each.faults, cacheDirectory);
      const notices: string[] = [];
      const pulled = pull(registry, cacheDirectory, each, notices);
      if (each.error === undefined) await pulled;
      else await assert.rejects(pulled, isError(each.error));
      assert.deepEqual(registry.complaints, []);
      if (each.ranges) assert.deepEqual(rangesOf(registry), each.ranges);
      for (const [kind, times] of Object.entries(each.times ?? {})) {
        assert.equal(registry.asked.filter((asked) => asked.kind === kind).length, times, kind);
      }
      if (each.notice) assert.match(notices.join("\n"), each.notice);
    });
  }
});

/** Fetches the whole image and compares the cached layers. */
async function pull(
  { host }: FaultyRegistry,
  cacheDirectory: string,
  limits: Case,
  notices: string[],
): Promise<void> {
  const { retryTimeoutMs: totalMs = 30_000, silenceMs = 20_000 } = limits;
  const source = openSource(`${host}/os/image:v1`, {
    ...{ cacheDirectory, scratchDirectory: cacheDirectory },
    concurrency: 3,
    userAgent: "test",
    signal: AbortSignal.timeout(50_000),
    retry: { totalMs, firstPauseMs: 10, maxPauseMs: 100 },
    timeouts: { headersMs: silenceMs, bodyMs: silenceMs },
    onNotice: (text) => notices.push(text),
    onWarning: (text) => notices.push(text),
  });
  try {
    const image = await source.resolve(parsePlatform("amd64"));
    const blobs = image.manifest.layers.map((layer) => source.fetch(layer));
    await Promise.all(blobs.map(({ complete }) => complete));
    for (const { digest } of layers) {
      const kept = await readFile(join(cacheDirectory, "blobs/sha256", digest.slice(7)));
      assert.ok(kept.equals(content.bytes({ digest })), digest);
    }
  } finally {
    await source.close();
  }
}

function rangesOf({ asked }: FaultyRegistry): number[] {
  return asked.filter(({ kind }) => kind === "layer").map(({ from }) => from);
}

function isError({ code, message }: { code: string; message: RegExp }) {
  return (error: unknown) => {
    const known = error instanceof NetbootError ? error : undefined;
    assert.ok(known, String(error));
    assert.equal(known.code, code, known.message);
    assert.match(known.message, message);
    assert.equal(known.exitStatus, 3);
    return true;
  };
}
