import { after } from "node:test";

/** A test's context, or `suiteScope`: runs a function when the tests that it stands for have ended. */
export interface Scope {
  after(cleanUp: () => unknown): void;
}

/** Cleans up after the last test of a file or suite. Call it outside of the tests and hooks. */
export function suiteScope(): Scope {
  const cleanUps: (() => unknown)[] = [];
  after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });
  return { after: (cleanUp) => cleanUps.push(cleanUp) };
}
