import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import {
  AdmissionQueue,
  type AdmissionQueueOptions,
  type Slot,
} from "../../../src/boot-server/http/admission-queue.js";
import type { TransferProgress } from "../../../src/boot-server/http/transfer-rate.js";

const minimumRate = { periodMs: 60, bytesPerSecond: 1000 };
const slow: TransferProgress = { size: 1e6, sent: () => Date.now() / 10 };
const fast: TransferProgress = { size: 1e6, sent: () => Date.now() * 10 };
const unknown: TransferProgress = { size: undefined, sent: () => 0 };

describe("the admission queue", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1e6 }));
  afterEach(() => mock.timers.reset());

  it("gives slots in the order of the requests, as others are released", async () => {
    const machines = new Machines({ maxTransfers: 2 });
    for (const name of ["a", "b", "c", "d"]) machines.ask(name);
    assert.deepEqual(await machines.log(), ["a slot", "b slot"]);
    machines.release("b");
    assert.deepEqual(await machines.log(), ["c slot"]);
    machines.release("c");
    machines.release("c");
    assert.deepEqual(await machines.log(), ["d slot"]);
  });

  it("skips a client that has reached its limit, and returns to it later", async () => {
    const machines = new Machines({ maxTransfers: 3, maxTransfersPerClient: 2 });
    for (const name of ["a", "a", "a", "b", "c"]) machines.ask(name);
    assert.deepEqual(await machines.log(), ["a slot", "a slot", "b slot"]);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["a slot"]);
  });

  it("skips a client that disconnected while it waited", async () => {
    const machines = new Machines({ maxTransfers: 1 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    assert.deepEqual(await machines.log(), ["a slot", "b gone"]);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["c slot"]);
  });

  it("keeps the place of a client that comes back", async () => {
    const machines = new Machines({ maxTransfers: 1 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    machines.ask("b");
    await machines.log();
    machines.release("a");
    assert.deepEqual(await machines.log(), ["b slot"]);
  });

  it("forgets the place of a client that stays away", async () => {
    const machines = new Machines({ maxTransfers: 1, placeTtlMs: 5000 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    mock.timers.tick(5001);
    machines.ask("b");
    await machines.log();
    machines.release("a");
    assert.deepEqual(await machines.log(), ["c slot"]);
  });

  it("tells a client twice to come again, and lets its third request wait", async () => {
    const machines = new Machines({ maxTransfers: 1, waitTimeoutMs: 5000 });
    machines.ask("a");
    assert.deepEqual(await machines.log(), ["a slot"]);
    for (const _ of ["first", "second"]) {
      machines.ask("b");
      mock.timers.tick(4999);
      assert.deepEqual(await machines.log(), []);
      mock.timers.tick(1);
      assert.deepEqual(await machines.log(), ["b later"]);
    }
    machines.ask("b");
    mock.timers.tick(15_000);
    assert.deepEqual(await machines.log(), []);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["b slot"]);
  });

  it("tells a client to come again when transfers will probably have ended", async () => {
    const admission = new AdmissionQueue({ maxTransfers: 4, waitTimeoutMs: 100, now: Date.now });
    const { signal } = new AbortController();
    // One percent within the 100 milliseconds that the fifth client waits: the rest takes 9.9 seconds.
    const progress = { size: 100, sent: () => 1 };
    for (const name of ["a", "b", "c", "d"]) await admission.ask(name, "file", signal, progress);
    const answer = admission.ask("e", "file", signal, progress);
    mock.timers.tick(100);
    assert.deepEqual(await answer, { kind: "later", seconds: 10 });
  });

  it("gives the place of a slow transfer to a client that waits", async () => {
    const machines = new Machines({ maxTransfers: 2, maxTransfersPerClient: 1, minimumRate });
    machines.ask("a", slow);
    machines.ask("b", fast);
    machines.ask("c", fast);
    machines.ask("d", fast);
    assert.deepEqual(await machines.log(), ["a slot", "b slot"]);
    mock.timers.tick(59);
    assert.deepEqual(await machines.log(), []);
    mock.timers.tick(1);
    assert.deepEqual(await machines.log(), ["c slot"]);
    // A transfer that lost its place does not make room when it ends.
    machines.release("a");
    assert.deepEqual(await machines.log(), []);
    machines.release("b");
    assert.deepEqual(await machines.log(), ["d slot"]);
  });

  it("counts a transfer that lost its place toward its client's limit", async () => {
    const machines = new Machines({ maxTransfers: 1, maxTransfersPerClient: 1, minimumRate });
    machines.ask("a", slow);
    machines.ask("b", slow);
    machines.ask("a", slow);
    mock.timers.tick(60);
    assert.deepEqual(await machines.log(), ["a slot", "b slot"]);
    mock.timers.tick(600);
    assert.deepEqual(await machines.log(), []);
  });

  it("tells a client to come again within half a minute, however long the queue is", async () => {
    const admission = new AdmissionQueue({ maxTransfers: 1, waitTimeoutMs: 5, now: Date.now });
    const { signal } = new AbortController();
    await admission.ask("a", "file", signal, unknown);
    const names = Array.from({ length: 50 }, (_, index) => String(index));
    const answers = names.map((name) => admission.ask(name, "file", signal, unknown));
    mock.timers.tick(5);
    for (const answer of await Promise.all(answers)) {
      assert.ok(answer?.kind === "later" && answer.seconds >= 1 && answer.seconds <= 30);
    }
  });
});

/** Machines by name, and the answers that their requests have got. */
class Machines {
  readonly #admission: AdmissionQueue;
  readonly #slots = new Map<string, Slot>();
  readonly #controllers = new Map<string, AbortController>();
  #log: string[] = [];

  constructor(options: AdmissionQueueOptions) {
    this.#admission = new AdmissionQueue({ ...options, now: Date.now });
  }

  ask(name: string, progress: TransferProgress = unknown): void {
    const controller = new AbortController();
    this.#controllers.set(name, controller);
    void this.#admission.ask(name, "file", controller.signal, progress).then((answer) => {
      if (answer?.kind === "slot") this.#slots.set(name, answer);
      this.#log.push(`${name} ${answer?.kind ?? "gone"}`);
    });
  }

  leave(name: string): void {
    this.#controllers.get(name)!.abort();
  }

  release(name: string): void {
    this.#slots.get(name)!.release();
  }

  /** The answers since the previous call. */
  async log(): Promise<string[]> {
    // Answers are promises that are already settled.
    await new Promise((resolve) => setImmediate(resolve));
    const log = this.#log;
    this.#log = [];
    return log;
  }
}
