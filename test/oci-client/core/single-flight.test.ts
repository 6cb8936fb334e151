import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SingleFlight } from "../../../src/oci-client/core/single-flight.js";

/** A call that a test answers by hand, and the signals that it was made with. */
function heldCall() {
  const signals: AbortSignal[] = [];
  const settle: { resolve: (result: string) => void; reject: (error: Error) => void }[] = [];
  const call = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<string>((resolve, reject) => settle.push({ resolve, reject }));
  };
  return { call, signals, settle };
}

describe("SingleFlight", () => {
  it("makes one call for concurrent callers with the same key", async () => {
    const flights = new SingleFlight<string>();
    const { call, settle, signals } = heldCall();
    const results = Promise.all([flights.get("a", call), flights.get("a", call)]);
    const other = flights.get("b", call);
    assert.equal(signals.length, 2);
    settle[0]?.resolve("one");
    settle[1]?.resolve("two");
    assert.deepEqual(await results, ["one", "one"]);
    assert.equal(await other, "two");
  });

  it("continues the call for other callers if one gives up", async () => {
    const flights = new SingleFlight<string>();
    const { call, settle, signals } = heldCall();
    const controller = new AbortController();
    const first = flights.get("a", call, controller.signal);
    const second = flights.get("a", call);
    controller.abort(new Error("gave up"));
    await assert.rejects(first, /gave up/);
    assert.equal(signals[0]?.aborted, false);
    settle[0]?.resolve("one");
    assert.equal(await second, "one");
    assert.equal(signals.length, 1);
  });

  it("aborts the call once all callers have given up, and makes a new one for the next", async () => {
    const flights = new SingleFlight<string>();
    const { call, settle, signals } = heldCall();
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map(({ signal }) => flights.get("a", call, signal));
    for (const controller of controllers) controller.abort(new Error("gave up"));
    for (const each of waiting) await assert.rejects(each, /gave up/);
    assert.equal(signals[0]?.aborted, true);
    const next = flights.get("a", call);
    settle[0]?.reject(new Error("aborted"));
    settle[1]?.resolve("two");
    assert.equal(await next, "two");
  });

  for (const [keepsResults, calls] of [
    [true, 1],
    [false, 2],
  ] as const) {
    it(`makes ${calls} calls for successive callers with keepsResults ${keepsResults}`, async () => {
      const flights = new SingleFlight<number>({ keepsResults });
      let count = 0;
      const call = async () => ++count;
      await flights.get("a", call);
      assert.equal(await flights.get("a", call), calls);
    });
  }

  it("never keeps a failure", async () => {
    const flights = new SingleFlight<string>();
    await assert.rejects(
      flights.get("a", async () => {
        throw new Error("failed");
      }),
      /failed/,
    );
    assert.equal(await flights.get("a", async () => "works"), "works");
  });
});
