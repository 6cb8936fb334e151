import type { FileRole } from "../files/served-file.js";
import type { Release } from "../releases/release.js";
import type { MacPattern } from "./mac-pattern.js";
import type { Machine } from "./machine.js";
import { matchMachine } from "./match.js";
import { type BootSettings, type MachineEntry, mergeSettings, type Rules } from "./rules.js";

/** Files stay available for this long after a boot, because systems read their cloud-config again. */
const filesTtlMs = 10 * 60_000;

/** The decision about a machine, with its reasons. The reasons are sentences. */
export type Decision = DecisionKind & {
  readonly settings: BootSettings;
  readonly reasons: readonly string[];
};

type DecisionKind =
  | {
      readonly kind: "netboot";
      readonly release: Release;
      /** True if the machine boots from its disk from the next time on. */
      readonly isOnce: boolean;
    }
  /** An entry may apply; iPXE will report facts that the firmware does not. */
  | { readonly kind: "unsettled" }
  /** The boot API decides. */
  | { readonly kind: "api"; readonly isOnce: boolean }
  | { readonly kind: "local" }
  | { readonly kind: "deny" }
  /** No release is suitable. */
  | { readonly kind: "unfit" };

export interface BootPolicyOptions {
  /** URL of the boot API, which decides for machines that no rule gives a release. */
  readonly apiUrl?: string | undefined;
  /** If there are any, only these machines are served. */
  readonly allow: readonly MacPattern[];
  /** Machines that are not served. */
  readonly deny: readonly MacPattern[];
  /** Returns the current rules. */
  rules(): Rules;
  /** When a machine with `boot: once` booted; undefined if it has not booted yet. */
  bootedAt(mac: string): Date | undefined;
  /** True from a machine's script until the last file that it names. */
  isUnderWay?(mac: string): boolean;
}

/** Decides what each machine gets. All protocols ask here, so that their answers agree. */
export class BootPolicy {
  readonly #options: BootPolicyOptions;

  constructor(options: BootPolicyOptions) {
    this.#options = options;
  }

  get releases(): readonly Release[] {
    return this.#options.rules().releases;
  }

  /** The boot programs that the rules name. */
  get programs(): Rules["programs"] {
    return this.#options.rules().programs;
  }

  /** True if it matters which machine asks. */
  get distinguishesMachines(): boolean {
    const { allow, deny, rules, apiUrl } = this.#options;
    const { releases, entries, defaults } = rules();
    const hasCloudConfig = [defaults, ...releases].some((it) => it.cloudConfig !== undefined);
    return (
      entries.length + allow.length + deny.length > 0 ||
      hasCloudConfig ||
      defaults.boot === "once" ||
      apiUrl !== undefined
    );
  }

  /**
   * @param isUnderWay true for a machine that is booting right now, which may finish although it has
   *   booted once
   */
  decide(machine: Machine, { isUnderWay = false } = {}): Decision {
    const bootedAt = () => (isUnderWay ? undefined : this.#options.bootedAt(machine.mac));
    return this.#decide(machine, bootedAt);
  }

  /** Decides about a file that a machine fetches: a machine that is booting may finish. */
  decideFetch(machine: Machine): Decision {
    return this.#decide(machine, () => this.#finishedAt(machine.mac));
  }

  /** When a machine with `boot: once` booted, if it does not need the files of that boot anymore. */
  #finishedAt(mac: string): Date | undefined {
    const bootedAt = this.#options.bootedAt(mac);
    if (bootedAt === undefined || Date.now() - bootedAt.getTime() < filesTtlMs) return undefined;
    return this.#options.isUnderWay?.(mac) === true ? undefined : bootedAt;
  }

  #decide(machine: Machine, bootedAt: () => Date | undefined): Decision {
    const { entries, defaults } = this.#options.rules();
    const entry = findEntry(entries, machine);
    const settings = entry === undefined ? defaults : mergeSettings(entry, defaults);
    const refusal = this.#refusal(machine);
    if (refusal !== undefined) return { kind: "deny", settings, reasons: [refusal] };
    if (entry !== undefined && matchMachine(entry.match, machine) === "unknown") {
      const text = `It may be the machine of ${entry.location}, but it has not reported enough yet.`;
      // The entry's settings may hold secrets: apply them only once the match is certain.
      return { kind: "unsettled", settings: defaults, reasons: [text] };
    }
    const { reason, ...decided } = this.#decideBoot(machine, settings, bootedAt);
    const reasons = [describeEntry(entry, entries), ...(reason === undefined ? [] : [reason])];
    return { settings, ...decided, reasons };
  }

  #decideBoot(
    machine: Machine,
    settings: BootSettings,
    bootedAt: () => Date | undefined,
  ): DecisionKind & { readonly settings?: BootSettings; readonly reason?: string } {
    const { boot = "netboot" } = settings;
    if (boot === "deny") return { kind: "deny", reason: "It is not served (boot: deny)." };
    if (boot === "local") {
      return { kind: "local", reason: "It boots from its disk (boot: local)." };
    }
    const isOnce = boot === "once";
    const previous = isOnce ? bootedAt() : undefined;
    if (previous !== undefined) {
      const reason = `It already booted from the network, at ${previous.toISOString()} (boot: once).`;
      return { kind: "local", reason };
    }
    const { apiUrl } = this.#options;
    if (settings.release === undefined && apiUrl !== undefined) {
      return { kind: "api", isOnce, reason: `The boot API at ${apiUrl} decides what it boots.` };
    }
    return chooseRelease(machine, settings, this.releases, isOnce);
  }

  /** The reason if `--allow` or `--deny` excludes a machine. */
  #refusal({ mac }: Machine): string | undefined {
    const { allow, deny } = this.#options;
    const denied = deny.find((pattern) => pattern.matches(mac));
    if (denied !== undefined) return `It is excluded by --deny ${denied.text}.`;
    if (allow.length === 0 || allow.some((pattern) => pattern.matches(mac))) return undefined;
    return `It is not included in --allow (${allow.map(({ text }) => text).join(", ")}).`;
  }
}

/** The first entry that applies to a machine, or may apply as long as facts are missing. */
function findEntry(entries: readonly MachineEntry[], machine: Machine): MachineEntry | undefined {
  return entries.find(({ match }) => {
    const result = matchMachine(match, machine);
    return result === "yes" || (result === "unknown" && machine.isFullyKnown !== true);
  });
}

/** A machine never gets a release for another architecture. */
function chooseRelease(
  { architecture }: Machine,
  settings: BootSettings,
  releases: readonly Release[],
  isOnce: boolean,
): DecisionKind & { readonly settings?: BootSettings; readonly reason?: string } {
  if (architecture === undefined) {
    return { kind: "unfit", reason: "It did not report its architecture." };
  }
  const release = settings.release ?? releases.find((it) => it.architecture === architecture);
  if (release === undefined) {
    return { kind: "unfit", reason: `No release for ${architecture} is served.` };
  }
  if (release.architecture !== architecture) {
    const reason = `Its release ${release.name} is for ${release.architecture}, but it is ${architecture}.`;
    return { kind: "unfit", reason };
  }
  const cloudConfig = settings.cloudConfig ?? release.cloudConfig;
  return { kind: "netboot", release, isOnce, settings: { ...settings, cloudConfig } };
}

/** The files that a machine fetches to boot a release, in this order. */
export function rolesToFetch({ settings: { cloudConfig } }: Decision): readonly FileRole[] {
  const roles = ["kernel", "initrd", "squashfs"] as const;
  const isServed = cloudConfig !== undefined && "text" in cloudConfig;
  return isServed ? [...roles, "cloud-config"] : roles;
}

function describeEntry(entry: MachineEntry | undefined, all: readonly MachineEntry[]): string {
  if (entry !== undefined) return `It is the machine of ${entry.location}.`;
  return all.length === 0
    ? "All machines get the same."
    : `None of the ${all.length} entries in the machines file matches it, so the defaults apply.`;
}
