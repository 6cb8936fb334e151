import type { FileRole } from "../files/served-file.js";
import type { Release } from "../releases/release.js";
import type { MacPattern } from "./mac-pattern.js";
import type { Machine } from "./machine.js";
import { matchMachine } from "./match.js";
import type { BootSettings, MachineEntry, Rules } from "./rules.js";

/** Milliseconds that a boot's files are given after its end: systems read their cloud-config again. */
const filesGoodFor = 10 * 60_000;

/** What a machine gets, and why: sentences for a person who wonders. */
export type Decision = (
  | {
      readonly kind: "netboot";
      readonly release: Release;
      /** True where it boots from its disk from the next time on. */
      readonly isOnce: boolean;
    }
  /** It may be the machine of an entry: iPXE will say of it what its firmware does not. */
  | { readonly kind: "unsettled" }
  /** The boot API is asked. */
  | { readonly kind: "api"; readonly isOnce: boolean }
  | { readonly kind: "local" }
  | { readonly kind: "deny" }
  /** Nothing that is served fits it. */
  | { readonly kind: "unfit" }
) & { readonly settings: BootSettings; readonly reasons: readonly string[] };

export interface BootPolicyOptions {
  /** Where a boot API is asked for machines that no rule gives a release; undefined without one. */
  readonly apiUrl?: string | undefined;
  /** Machines that get something; all if empty. */
  readonly allow: readonly MacPattern[];
  /** Machines that get nothing. */
  readonly deny: readonly MacPattern[];
  /** As they are now. */
  rules(): Rules;
  /** When a machine that is to boot once did; undefined if it did not. */
  bootedAt(mac: string): Date | undefined;
  /** True between a machine's script and the last of what that names; never if left out. */
  isUnderWay?(mac: string): boolean;
}

/** Decides what each machine gets. Every protocol asks here, so that none says something else. */
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

  /** True where machines are not all treated alike, and it matters which one asks. */
  get distinguishesMachines(): boolean {
    const { allow, deny, rules, apiUrl } = this.#options;
    const { releases, entries, defaults } = rules();
    const configs = [defaults, ...releases].map(({ cloudConfig }) => cloudConfig);
    const isPlain = configs.every((it) => it === undefined) && defaults.boot !== "once";
    return entries.length + allow.length + deny.length > 0 || !isPlain || apiUrl !== undefined;
  }

  /**
   * @param isUnderWay true for a machine that is in the middle of booting: that it booted once
   *   is no reason to stop it
   */
  decide(machine: Machine, { isUnderWay = false } = {}): Decision {
    return this.#decide(machine, (mac) => (isUnderWay ? undefined : this.#options.bootedAt(mac)));
  }

  /** The same for what a machine fetches: a boot that has begun comes to its end. */
  decideFetch(machine: Machine): Decision {
    return this.#decide(machine, (mac) => this.#endedAt(mac));
  }

  /** When a machine booted that is to boot once, where it fetches nothing for that any more. */
  #endedAt(mac: string): Date | undefined {
    const bootedAt = this.#options.bootedAt(mac);
    if (bootedAt === undefined || Date.now() - bootedAt.getTime() < filesGoodFor) return undefined;
    return this.#options.isUnderWay?.(mac) === true ? undefined : bootedAt;
  }

  #decide(machine: Machine, bootedAtOf: (mac: string) => Date | undefined): Decision {
    const { releases, entries, defaults } = this.#options.rules();
    const entry = entries.find(({ match }) => {
      const certainty = matchMachine(match, machine);
      return certainty === "yes" || (certainty === "perhaps" && machine.hasSaidAll !== true);
    });
    const settings = entry === undefined ? defaults : merged(entry, defaults);
    const refusal = this.#refusal(machine);
    if (refusal !== undefined) return { kind: "deny", settings, reasons: [refusal] };
    if (entry !== undefined && matchMachine(entry.match, machine) === "perhaps") {
      const text = `It may be the machine of ${entry.place}, which it has not said enough for yet.`;
      // What is the entry's is not for those that are not.
      return { kind: "unsettled", settings: defaults, reasons: [text] };
    }
    const reasons = [describeEntry(entry, entries)];
    const mode = settings.boot ?? "netboot";
    if (mode === "deny" || mode === "local") {
      const text = mode === "deny" ? "It is to get nothing" : "It is to boot from its disk";
      return { kind: mode, settings, reasons: [...reasons, `${text} (boot: ${mode}).`] };
    }
    const isOnce = mode === "once";
    const bootedAt = isOnce ? bootedAtOf(machine.mac) : undefined;
    if (bootedAt !== undefined) {
      const since = `It booted from the network at ${bootedAt.toISOString()}, and is to do so once`;
      return { kind: "local", settings, reasons: [...reasons, `${since} (boot: once).`] };
    }
    const { apiUrl } = this.#options;
    if (settings.release === undefined && apiUrl !== undefined) {
      const text = `The boot API at ${apiUrl} is asked what it boots.`;
      return { kind: "api", isOnce, settings, reasons: [...reasons, text] };
    }
    const release = settings.release ?? releaseFor(machine.architecture, releases);
    const misfit = misfitOf(release, machine);
    if (release === undefined || misfit !== undefined) {
      return { kind: "unfit", settings, reasons: [...reasons, misfit ?? ""] };
    }
    const cloudConfig = settings.cloudConfig ?? release.cloudConfig;
    return { kind: "netboot", release, isOnce, settings: { ...settings, cloudConfig }, reasons };
  }

  /** Where what `--allow` and `--deny` say keeps a machine out. */
  #refusal({ mac }: Machine): string | undefined {
    const { allow, deny } = this.#options;
    const denied = deny.find((pattern) => pattern.matches(mac));
    if (denied !== undefined) return `It is kept out by --deny ${denied.text}.`;
    if (allow.length === 0 || allow.some((pattern) => pattern.matches(mac))) return undefined;
    return `No --allow names it (${allow.map(({ text }) => text).join(", ")}).`;
  }
}

function releaseFor(
  architecture: string | undefined,
  releases: readonly Release[],
): Release | undefined {
  return releases.find((release) => release.architecture === architecture);
}

/** What a machine fetches to boot a release, in this order. */
export function rolesToFetch({ settings: { cloudConfig } }: Decision): readonly FileRole[] {
  const files = ["kernel", "initrd", "squashfs"] as const;
  const isServed = cloudConfig !== undefined && "text" in cloudConfig;
  return isServed ? [...files, "cloud-config"] : files;
}

function merged(entry: BootSettings, defaults: BootSettings): BootSettings {
  const given = Object.entries(entry).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}

function describeEntry(entry: MachineEntry | undefined, all: readonly MachineEntry[]): string {
  if (entry !== undefined) return `It is the machine of ${entry.place}.`;
  return all.length === 0
    ? "All machines are treated alike."
    : `None of the ${all.length} machines in the file is this one: the defaults hold.`;
}

/** A machine never gets what was made for another architecture. */
function misfitOf(release: Release | undefined, { architecture }: Machine): string | undefined {
  if (architecture === undefined) return "It did not say what architecture it has.";
  if (release === undefined) return `No release for ${architecture} is served.`;
  if (release.architecture === architecture) return undefined;
  return `Its release ${release.name} is for ${release.architecture}, and it is ${architecture}.`;
}
