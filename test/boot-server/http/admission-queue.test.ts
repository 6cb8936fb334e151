import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AdmissionQueue,
  type AdmissionQueueOptions,
  type Slot,
} from "../../../src/boot-server/http/admission-queue.js";
import type { Progress } from "../../../src/boot-server/http/transfer-rate.js";

describe("admission of large transfers", () => {
  it("gives slots in the order of asking, as others are given back", async () => {
    const machines = new Machines({ most: 2 });
    for (const name of ["a", "b", "c", "d"]) machines.ask(name);
    assert.deepEqual(await machines.log(), ["a slot", "b slot"]);
    machines.release("b");
    assert.deepEqual(await machines.log(), ["c slot"]);
    machines.release("c");
    machines.release("c");
    assert.deepEqual(await machines.log(), ["d slot"]);
  });

  it("passes over a client that has its share, and comes back to it", async () => {
    const machines = new Machines({ most: 3, mostOfOneClient: 2 });
    for (const name of ["a", "a", "a", "b", "c"]) machines.ask(name);
    assert.deepEqual(await machines.log(), ["a slot", "a slot", "b slot"]);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["a slot"]);
  });

  it("passes over a client that went away while it waited", async () => {
    const machines = new Machines({ most: 1 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    assert.deepEqual(await machines.log(), ["a slot", "b gone"]);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["c slot"]);
  });

  it("keeps the place of a client that comes back", async () => {
    const machines = new Machines({ most: 1 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    machines.ask("b");
    await machines.log();
    machines.release("a");
    assert.deepEqual(await machines.log(), ["b slot"]);
  });

  it("forgets the place of one that stays away", async () => {
    const machines = new Machines({ most: 1, memory: 5 });
    for (const name of ["a", "b", "c"]) machines.ask(name);
    machines.leave("b");
    await sleep(20);
    machines.ask("b");
    await machines.log();
    machines.release("a");
    assert.deepEqual(await machines.log(), ["c slot"]);
  });

  it("tells a client twice to come again, and lets its third request wait", async () => {
    const machines = new Machines({ most: 1, patience: 5 });
    machines.ask("a");
    assert.deepEqual(await machines.log(), ["a slot"]);
    for (const _ of ["first", "second"]) {
      machines.ask("b");
      await sleep(30);
      assert.deepEqual(await machines.log(), ["b later"]);
    }
    machines.ask("b");
    await sleep(30);
    assert.deepEqual(await machines.log(), []);
    machines.release("a");
    assert.deepEqual(await machines.log(), ["b slot"]);
  });

  it("tells a client to come again when transfers will have ended, by how they get on", async () => {
    const admission = new AdmissionQueue({ most: 4, patience: 100 });
    const { signal } = new AbortController();
    // A hundredth in the 100 milliseconds of patience: the others take 9.9 seconds.
    const progress = { size: 100, sent: () => 1 };
    for (const name of ["a", "b", "c", "d"]) await admission.ask(name, "file", signal, progress);
    const answer = await admission.ask("e", "file", signal, progress);
    assert.ok(answer?.kind === "later" && answer.seconds >= 9);
  });

  const minimumRate = { period: 60, bytesPerSecond: 1000 };
  const slow: Progress = { size: 1e6, sent: () => performance.now() / 10 };
  const fast: Progress = { size: 1e6, sent: () => performance.now() * 10 };

  it("gives the place of one that hardly gets on to another that waits", async () => {
    const machines = new Machines({ most: 2, mostOfOneClient: 1, minimumRate });
    machines.ask("a", slow);
    machines.ask("b", fast);
    machines.ask("c", fast);
    machines.ask("d", fast);
    await machines.answered(3);
    assert.deepEqual(await machines.log(), ["a slot", "b slot", "c slot"]);
    // What lost its place has none to give back.
    machines.release("a");
    assert.deepEqual(await machines.log(), []);
    machines.release("b");
    assert.deepEqual(await machines.log(), ["d slot"]);
  });

  it("counts a transfer that lost its place in its client's share", async () => {
    const machines = new Machines({ most: 1, mostOfOneClient: 1, minimumRate });
    machines.ask("a", slow);
    machines.ask("b", slow);
    machines.ask("a", slow);
    await machines.answered(2);
    await sleep(200);
    assert.deepEqual(await machines.log(), ["a slot", "b slot"]);
  });

  it("has a client come again within half a minute, however long the queue is", async () => {
    const admission = new AdmissionQueue({ most: 1, patience: 5 });
    const { signal } = new AbortController();
    await admission.ask("a", "file", signal, unknown);
    const names = Array.from({ length: 50 }, (_, index) => String(index));
    const answers = await Promise.all(
      names.map((name) => admission.ask(name, "file", signal, unknown)),
    );
    for (const answer of answers) {
      assert.ok(answer?.kind === "later" && answer.seconds >= 1 && answer.seconds <= 30);
    }
  });
});

const unknown: Progress = { size: undefined, sent: () => 0 };

/** Machines by name, and what became of their requests since it was last looked at. */
class Machines {
  readonly #admission: AdmissionQueue;
  readonly #slots = new Map<string, Slot>();
  readonly #controllers = new Map<string, AbortController>();
  #log: string[] = [];

  constructor(options: AdmissionQueueOptions) {
    this.#admission = new AdmissionQueue(options);
  }

  ask(name: string, progress: Progress = unknown): void {
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

  /** Waits until so many requests had an answer since it was last looked. */
  async answered(count: number): Promise<void> {
    while (this.#log.length < count) await sleep(10);
  }

  async log(): Promise<string[]> {
    await sleep(1);
    const log = this.#log;
    this.#log = [];
    return log;
  }
}
