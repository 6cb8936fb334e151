import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FailureKind,
  failureRules,
  OciClientError,
  parseReference,
  RegistryClient,
  Retry,
  type RetryOptions,
  retrying,
} from "../../../src/oci-client/index.js";
import { parseRetryAfter } from "../../../src/oci-client/transport/retry-after.js";
import { backoffMs } from "../../../src/oci-client/transport/retry-policy.js";
import { failsWith } from "../support/fails-with.js";
import { FakeClock } from "../support/fake-clock.js";

/** RFC 9110, section 5.6.7, gives one moment in three formats: 784111777 seconds after 1970. */
const moment = 784_111_777_000;

describe("Retry-After", () => {
  const cases: [
    name: string,
    value: string | undefined,
    date: string | undefined,
    expected?: number,
  ][] = [
    ["seconds", "120", undefined, 120_000],
    ["zero", "0", undefined, 0],
    ["white space around seconds", " 3 ", undefined, 3000],
    ["a date", "Sun, 06 Nov 1994 08:49:47 GMT", undefined, 10_000],
    ["a date in the format of RFC 850", "Sunday, 06-Nov-94 08:49:47 GMT", undefined, 10_000],
    ["a date in the format of asctime", "Sun Nov  6 08:49:47 1994", undefined, 10_000],
    ["a date in the past", "Sun, 06 Nov 1994 08:00:00 GMT", undefined, 0],
    [
      "a date by a server's clock that is fast",
      "Fri, 01 Jan 2100 00:00:05 GMT",
      "Fri, 01 Jan 2100 00:00:00 GMT",
      5000,
    ],
    ["no value", undefined, undefined],
    ["an empty header", "", undefined],
    ["a word", "soon", undefined],
    ["a negative number", "-5", undefined],
    ["a fraction", "1.5", undefined],
    ["an impossible date", "Sun, 99 Nov 1994 08:49:47 GMT", undefined],
  ];
  for (const [name, value, date, expected] of cases) {
    it(`is parsed with ${name}`, () => {
      assert.equal(parseRetryAfter(value, date, moment), expected);
    });
  }
});

describe("backoffMs", () => {
  const policy = { totalMs: 0, firstPauseMs: 1000, maxPauseMs: 60_000 };
  it("doubles up to the maximum, and its second half is random", () => {
    for (const [failures, full] of [
      [1, 1000],
      [2, 2000],
      [5, 16_000],
      [7, 60_000],
      [5000, 60_000],
    ] as const) {
      assert.equal(backoffMs(failures, policy, 0), full / 2);
      assert.equal(backoffMs(failures, policy, 1), full);
    }
  });
});

function failureOf(failure: FailureKind, more: { status?: number; retryAfterMs?: number } = {}) {
  return new OciClientError("REGISTRY_ERROR", "It fails.", { hint: "Wait.", failure, ...more });
}

/** Counts the attempts at an action that always fails in this way, with ten minutes for retries. */
async function attemptsAt(
  failure: FailureKind,
  options: RetryOptions = {},
): Promise<{ attempts: number; elapsedMs: number; pauses: number[] }> {
  const clock = new FakeClock();
  const policy = { totalMs: 600_000, firstPauseMs: 1000, maxPauseMs: 60_000 };
  let attempts = 0;
  const action = async () => {
    attempts += 1;
    throw failureOf(failure);
  };
  await assert.rejects(retrying(action, { policy, clock, ...options }));
  return { attempts, elapsedMs: clock.now(), pauses: clock.pauses };
}

describe("the table of failures", () => {
  it("says for each kind whether the same call can succeed later", () => {
    const retryable = Object.keys(failureRules).filter(
      (kind) => failureOf(kind as FailureKind).retryable,
    );
    assert.deepEqual(retryable, ["unreachable", "busy", "expiredUrl", "incomplete"]);
  });

  it("lets permanent failures pass after one attempt", async () => {
    assert.deepEqual(await attemptsAt("permanent"), { attempts: 1, elapsedMs: 0, pauses: [] });
  });

  it("repeats a download with a wrong digest once, without a pause", async () => {
    assert.deepEqual(await attemptsAt("mismatch"), { attempts: 2, elapsedMs: 0, pauses: [] });
  });

  for (const kind of ["unreachable", "busy", "incomplete"] as const) {
    it(`retries "${kind}" for as long as the policy allows`, async () => {
      const { attempts, elapsedMs } = await attemptsAt(kind);
      // 1, 2, 4, ... 32 seconds and then 60 each, or half of that.
      assert.ok(attempts >= 14 && attempts <= 25, `${attempts} attempts`);
      assert.ok(elapsedMs > 540_000 && elapsedMs <= 600_000, `${elapsedMs} ms`);
    });
  }

  it("retries an expired URL twice", async () => {
    assert.equal((await attemptsAt("expiredUrl")).attempts, 3);
  });

  it("gives up on an unreachable host within 10 seconds if no registry has answered yet", async () => {
    const { attempts, elapsedMs } = await attemptsAt("unreachable", { hasAnswered: () => false });
    assert.ok(attempts >= 4 && attempts <= 6, `${attempts} attempts`);
    assert.ok(elapsedMs <= 10_000, `${elapsedMs} ms`);
    const answered = await attemptsAt("unreachable", { hasAnswered: () => true });
    assert.ok(answered.elapsedMs > 540_000);
  });

  it("does not shorten the retries of a busy registry for lack of an answer", async () => {
    const { elapsedMs } = await attemptsAt("busy", { hasAnswered: () => false });
    assert.ok(elapsedMs > 540_000);
  });
});

describe("Retry", () => {
  const policy = { totalMs: 100_000, firstPauseMs: 1, maxPauseMs: 2 };

  it("rethrows other errors unchanged", async () => {
    const error = new TypeError("a mistake");
    await assert.rejects(new Retry({ policy }).wait(error), error);
  });

  it("retries nothing without a policy", async () => {
    const error = failureOf("busy");
    await assert.rejects(new Retry({}).wait(error), error);
  });

  it("waits at least as long as the server asks", async () => {
    const clock = new FakeClock();
    const retry = new Retry({ policy, clock });
    await retry.wait(failureOf("busy", { retryAfterMs: 30_000 }));
    await retry.wait(failureOf("busy"));
    const [first, second = Number.NaN] = clock.pauses;
    assert.equal(first, 30_000);
    assert.ok(second <= 2);
  });

  it("starts counting again after progress, and finally says what was tried", async () => {
    const clock = new FakeClock();
    const retry = new Retry({
      policy: { totalMs: 1000, firstPauseMs: 400, maxPauseMs: 400 },
      clock,
    });
    for (let renewals = 0; renewals < 9; renewals++) {
      await retry.wait(failureOf("busy"));
      retry.renew();
    }
    assert.ok(clock.now() > 1000);
    await assert.rejects(
      retry.wait(failureOf("busy", { status: 503, retryAfterMs: 5000 }), "1 of 2 have arrived"),
      failsWith(
        "REGISTRY_ERROR",
        /^It fails; tried once, and the server asks to wait 5 s; 1 of 2 have arrived\.$/,
        { status: 503, failure: "busy" },
      ),
    );
    assert.equal(clock.pauses.length, 9);
  });

  it("ends as soon as the signal aborts, with its reason", async () => {
    const controller = new AbortController();
    const error = failureOf("busy", { retryAfterMs: 90_000 });
    const waiting = new Retry({ policy, signal: controller.signal }).wait(error);
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /^Error: enough$/);
  });
});

describe("a client with retries for two hours", () => {
  it("gives up within 10 seconds on a registry that never answered", async (t) => {
    const clock = new FakeClock();
    const client = new RegistryClient({
      retry: { totalMs: 7_200_000, firstPauseMs: 1000, maxPauseMs: 60_000 },
      clock,
    });
    t.after(() => client.close());
    await assert.rejects(
      client.manifest(parseReference("127.0.0.1:1/os/image:v1")),
      failsWith(
        "REGISTRY_UNREACHABLE",
        /refused the connection; tried \d times within (\d|10) s\.$/,
      ),
    );
    assert.ok(clock.now() <= 10_000);
  });
});
