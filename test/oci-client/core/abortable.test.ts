import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { abortable } from "../../../src/oci-client/index.js";

const never = new Promise<never>(() => {});

describe("abortable", () => {
  it("settles like the promise if the signal does not abort", async () => {
    const { signal } = new AbortController();
    assert.equal(await abortable(Promise.resolve(1), signal), 1);
    await assert.rejects(abortable(Promise.reject(new Error("failed")), signal), /failed/);
    assert.equal(await abortable(Promise.resolve(1), undefined), 1);
    assert.equal(getEventListeners(signal, "abort").length, 0, "no listener is left");
  });

  it("rejects with the signal's reason as soon as it aborts", async () => {
    const controller = new AbortController();
    const waiting = abortable(never, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
  });

  it("rejects with the reason of a signal that has already aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(abortable(never, signal), /enough/);
    // The later rejection of the promise must not remain unhandled.
    await assert.rejects(abortable(Promise.reject(new Error("failed")), signal), /enough/);
  });
});
