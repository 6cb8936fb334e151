import { MacPattern, normalizeMac } from "./mac-pattern.js";
import { exactly, type ValuePattern } from "./value-pattern.js";

/** How entries of the machines file match machines by a fact. */
interface FactMatcher {
  /** Returns undefined for text that is not a pattern. */
  parse(text: string): ValuePattern | undefined;
  /** A description of a pattern for error messages, after "is not". */
  readonly expected: string;
}

interface MachineFactRow {
  /** The name that `explain` prints. */
  readonly label: string;
  readonly description: string;
  /** The source of the fact. */
  readonly learnedFrom: string;
  /** iPXE settings whose values the first script sends to the server. */
  readonly ipxeSettings: readonly string[];
  /** True if people wrote the value, so that it may contain any character. */
  readonly isFreeText: boolean;
  /** Computes the fact from the values of the iPXE settings, in the same order. */
  fromIpxe(...values: readonly (string | undefined)[]): string | undefined;
  /**
   * False if only requests from the server's own host may read the fact: rules depend on it, and it
   * is harder to guess than the others.
   */
  readonly isPublic: boolean;
  /** True if cloud-configs may refer to it: `${machine.KEY}`. */
  readonly isTemplateVariable: boolean;
  /** Undefined if the machines file cannot match the fact. */
  readonly matcher?: FactMatcher;
}

/** Longer values are cut off. */
const maxValueLength = 64;

const architectures = ["amd64", "arm64", "386", "arm", "riscv64"];
/** Architecture names that other tools use. */
const architectureAliases: ReadonlyMap<string, string> = new Map([
  ["x86_64", "amd64"],
  ["x64", "amd64"],
  ["aarch64", "arm64"],
]);

/**
 * Everything that the server knows about a machine. A new matcher key of the machines file is a new
 * row; the machines file, the first script, machine tokens, the status page, cloud-config templates
 * and `explain` read the table.
 */
export const machineFacts = {
  mac: {
    label: "MAC address",
    description: "MAC address: a whole one, the beginning of one, or one with `*` for any byte",
    learnedFrom: "DHCP and iPXE",
    ipxeSettings: ["mac"],
    isFreeText: false,
    fromIpxe: (mac = "") => normalizeMac(mac),
    isPublic: true,
    isTemplateVariable: true,
    matcher: {
      parse: (text) => MacPattern.parse(text),
      expected: "a MAC address or the beginning of one",
    },
  },
  uuid: {
    label: "uuid",
    description: "SMBIOS UUID, in lower case with hyphens",
    learnedFrom: "DHCP (option 97) and iPXE",
    ipxeSettings: ["uuid"],
    isFreeText: false,
    fromIpxe: (uuid) => clean(uuid)?.toLowerCase(),
    isPublic: false,
    isTemplateVariable: true,
    matcher: {
      parse: (text) =>
        /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
          ? exactly(text.toLowerCase(), text)
          : undefined,
      expected: "a UUID",
    },
  },
  serial: {
    label: "serial",
    description: "SMBIOS serial number",
    learnedFrom: "iPXE",
    ipxeSettings: ["serial"],
    isFreeText: true,
    fromIpxe: (serial) => clean(serial),
    isPublic: false,
    isTemplateVariable: true,
    matcher: {
      parse: (text) => (text.trim() === "" ? undefined : exactly(text.trim())),
      expected: "a serial number",
    },
  },
  architecture: {
    label: "architecture",
    description: `architecture: ${architectures.join(", ")}`,
    learnedFrom: "DHCP (option 93) and iPXE",
    ipxeSettings: ["buildarch", "platform"],
    isFreeText: false,
    fromIpxe: (buildarch, platform) => architectureOfIpxe(clean(buildarch), clean(platform)),
    isPublic: true,
    isTemplateVariable: false,
    matcher: {
      parse: (text) => {
        const name = architectureAliases.get(text) ?? text;
        return architectures.includes(name) ? exactly(name, text) : undefined;
      },
      expected: `one of ${architectures.join(", ")}`,
    },
  },
  ip: {
    label: "address",
    description: "IPv4 address",
    learnedFrom: "the request for the script, and leases",
    ipxeSettings: [],
    isFreeText: false,
    fromIpxe: () => undefined,
    isPublic: true,
    isTemplateVariable: true,
  },
  hostname: {
    label: "hostname",
    description: "host name",
    learnedFrom: "the machines file, iPXE, and leases",
    ipxeSettings: ["hostname"],
    isFreeText: true,
    fromIpxe: (hostname) => clean(hostname),
    isPublic: true,
    isTemplateVariable: true,
  },
} as const satisfies Readonly<Record<string, MachineFactRow>>;

export type MachineFact = keyof typeof machineFacts;

/** The facts that the machines file can match: the rows with a matcher. */
export type MatcherKey = {
  [Key in MachineFact]: (typeof machineFacts)[Key] extends { matcher: unknown } ? Key : never;
}[MachineFact];

const rows: readonly (readonly [MachineFact, MachineFactRow])[] = (
  Object.keys(machineFacts) as MachineFact[]
).map((fact) => [fact, machineFacts[fact]]);

export const machineFactNames: readonly MachineFact[] = rows.map(([fact]) => fact);

/** The matchers of the machines file, by their keys. */
export const matchers: ReadonlyMap<MatcherKey, FactMatcher> = new Map(
  rows.flatMap(([fact, { matcher }]) =>
    matcher === undefined ? [] : [[fact as MatcherKey, matcher] as const],
  ),
);

/** Facts that anyone who reaches the server may read. */
export const publicFacts = rows.filter(([, row]) => row.isPublic).map(([fact]) => fact);

/** Facts that cloud-configs may refer to. */
export const templateVariables = rows
  .filter(([, row]) => row.isTemplateVariable)
  .map(([fact]) => fact);

/** The query with which the first script reports iPXE's settings: `mac=${mac}&…`. */
export function ipxeQuery(): string {
  return rows
    .flatMap(([, { ipxeSettings, isFreeText }]) =>
      ipxeSettings.map((name) => `${name}=\${${name}${isFreeText ? ":uristring" : ""}}`),
    )
    .join("&");
}

/** Reads the facts that the first script reports. */
export function factsFromIpxe(query: URLSearchParams): Partial<Record<MachineFact, string>> {
  const valueFor = (name: string) => query.get(name) ?? undefined;
  const facts = rows.map(([fact, { ipxeSettings, fromIpxe }]) => [
    fact,
    fromIpxe(...ipxeSettings.map(valueFor)),
  ]);
  return Object.fromEntries(facts.filter(([, value]) => value !== undefined));
}

/** Firmware pads values with blanks, and reports unknown ones as empty. */
function clean(value: string | undefined): string | undefined {
  return value?.trim().slice(0, maxValueLength) || undefined;
}

/** iPXE for BIOS is 32-bit code on any processor; for UEFI it matches the firmware. */
function architectureOfIpxe(buildarch?: string, platform?: string): string | undefined {
  if (platform === "pcbios" || buildarch === "x86_64") return "amd64";
  if (buildarch === "arm64") return "arm64";
  if (buildarch === "arm32") return "arm";
  if (buildarch === "riscv64") return "riscv64";
  return buildarch === "i386" ? "386" : undefined;
}
