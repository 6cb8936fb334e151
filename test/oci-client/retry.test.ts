import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OciClientError, Retry } from "../../src/oci-client/index.js";
import { backoff } from "../../src/oci-client/transport/backoff.js";
import { parseRetryAfter } from "../../src/oci-client/transport/retry-after.js";
import { failsWith } from "./support/errors.js";

/** RFC 9110, section 5.6.7, gives one moment in three forms: 784111777 seconds after 1970. */
const moment = 784_111_777_000;

describe("Retry-After", () => {
  const cases: [
    name: string,
    value: string | undefined,
    date: string | undefined,
    expected?: number,
  ][] = [
    ["seconds", "120", undefined, 120_000],
    ["no time at all", "0", undefined, 0],
    ["white space around seconds", " 3 ", undefined, 3000],
    ["a date", "Sun, 06 Nov 1994 08:49:47 GMT", undefined, 10_000],
    ["a date in RFC 850's form", "Sunday, 06-Nov-94 08:49:47 GMT", undefined, 10_000],
    ["a date in asctime's form", "Sun Nov  6 08:49:47 1994", undefined, 10_000],
    ["a date that is past", "Sun, 06 Nov 1994 08:00:00 GMT", undefined, 0],
    [
      "a date by the server's clock",
      "Fri, 01 Jan 2100 00:00:05 GMT",
      "Fri, 01 Jan 2100 00:00:00 GMT",
      5000,
    ],
    ["nothing", undefined, undefined],
    ["an empty header", "", undefined],
    ["a word", "soon", undefined],
    ["a negative number", "-5", undefined],
    ["a fraction", "1.5", undefined],
    ["a date without sense", "Sun, 99 Nov 1994 08:49:47 GMT", undefined],
  ];
  for (const [name, value, date, expected] of cases) {
    it(`is understood with ${name}`, () => {
      assert.equal(parseRetryAfter(value, date, moment), expected);
    });
  }
});

describe("the pause between attempts", () => {
  const policy = { totalMs: 0, firstPauseMs: 1000, maxPauseMs: 60_000 };
  it("doubles up to the longest, and its second half is left to chance", () => {
    for (const [failures, full] of [
      [1, 1000],
      [2, 2000],
      [5, 16_000],
      [7, 60_000],
      [5000, 60_000],
    ] as const) {
      assert.equal(backoff(failures, policy, 0), full / 2);
      assert.equal(backoff(failures, policy, 1), full);
    }
  });
});

describe("attempts", () => {
  const busy = (more = {}) =>
    new OciClientError("REGISTRY_ERROR", "It is busy.", {
      hint: "Wait.",
      status: 503,
      retryable: true,
      ...more,
    });
  const policy = { totalMs: 100_000, firstPauseMs: 1, maxPauseMs: 2 };

  it("are not made again for what cannot get better, whose error passes as it is", async () => {
    const error = new OciClientError("REGISTRY_DENIED", "No.", { hint: "Log in.", status: 403 });
    await assert.rejects(new Retry({ policy }).wait(error), error);
    const other = new TypeError("a mistake");
    await assert.rejects(new Retry({ policy }).wait(other), other);
  });

  it("are not made again where nothing is said of it", async () => {
    const error = busy();
    await assert.rejects(new Retry({}).wait(error), error);
  });

  it("wait for as long as the server wants, at least", async () => {
    const pauses: number[] = [];
    const retry = new Retry({ policy, onWait: (_, pause) => pauses.push(pause) });
    await retry.wait(busy({ retryAfterMs: 30 }));
    await retry.wait(busy());
    assert.equal(pauses[0], 30);
    assert.ok(pauses[1]! <= 2);
  });

  it("end with what was tried, and count anew after progress", async () => {
    const pauses: number[] = [];
    const retry = new Retry({
      policy: { totalMs: 1000, firstPauseMs: 400, maxPauseMs: 400 },
      onWait: (_, pause) => pauses.push(pause),
    });
    await retry.wait(busy());
    retry.renew();
    await retry.wait(busy());
    retry.renew();
    const asksTooMuch = retry.wait(busy({ retryAfterMs: 5000 }), "1 of 2 have come");
    await assert.rejects(
      asksTooMuch,
      failsWith(
        "REGISTRY_ERROR",
        /^It is busy; tried once, and wants .* 5 s; 1 of 2 have come\.$/,
        {
          status: 503,
        },
      ),
    );
    assert.equal(pauses.length, 2);
  });

  it("end at once when the signal is aborted, with its reason", async () => {
    const controller = new AbortController();
    const waiting = new Retry({ policy, signal: controller.signal }).wait(
      busy({ retryAfterMs: 90_000 }),
    );
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /^Error: enough$/);
  });
});
