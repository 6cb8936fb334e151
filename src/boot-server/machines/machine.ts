import type { MachineFact } from "./machine-facts.js";

type OptionalFacts = {
  readonly [Fact in Exclude<MachineFact, "mac">]?: string | undefined;
};

/** The facts that the server knows about a machine. A fact that it has not learned yet is undefined. */
export interface Machine extends OptionalFacts {
  /** In lower case with colons. */
  readonly mac: string;
  /** True once iPXE has reported everything: facts that are still undefined stay so. */
  readonly isFullyKnown?: boolean | undefined;
}
