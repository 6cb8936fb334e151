import { type Alias, type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import * as z from "zod";
import { findCommandLineProblem } from "../../kairos/index.js";
import { NetbootError } from "../../support/index.js";
import { type MatcherKey, matchers } from "./machine-facts.js";
import type { MachineMatch } from "./match.js";
import { bootModes } from "./rules.js";
import type { ValuePattern } from "./value-pattern.js";

const word = z.string().min(1);
const commandLine = z.string().superRefine((text, context) => {
  const problem = findCommandLineProblem(text);
  if (problem !== undefined) context.addIssue(problem);
});
/** Labels of letters, digits and hyphens (RFC 952; RFC 1123, section 2.1). */
const hostname = z
  .string()
  .max(253)
  .regex(
    /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i,
    "must consist of letters, digits and hyphens",
  );

const settingsKeys = {
  boot: z.enum(bootModes).optional(),
  release: word.optional(),
  cmdline: commandLine.optional(),
  "cloud-config": word.optional(),
  "boot-program": word.optional(),
  "offer-style": z.enum(["direct", "port-4011"]).optional(),
};

/** One pattern, or a list of patterns. */
function patternsOf(key: MatcherKey): z.ZodType<ValuePattern[] | undefined> {
  const matcher = matchers.get(key);
  const pattern = z.string().transform((text, context) => {
    const parsed = matcher?.parse(text);
    if (parsed !== undefined) return parsed;
    context.addIssue(`${text} is not ${matcher?.expected}`);
    return z.NEVER;
  });
  const toList = (value: unknown) => (typeof value === "string" ? [value] : value);
  return z.preprocess(toList, z.array(pattern).min(1)).optional();
}

const match = z
  .strictObject(Object.fromEntries([...matchers.keys()].map((key) => [key, patternsOf(key)])))
  .transform((patterns): MachineMatch => patterns)
  .refine((patterns) => Object.values(patterns).some((value) => value !== undefined), {
    error: `is empty: add ${[...matchers.keys()].join(", ").replace(/, ([\w-]+)$/, " or $1")}`,
  });

/** A key without a value arrives as empty text. */
const unlessEmpty = (value: unknown) => (value === "" ? undefined : value);
const entry = z.strictObject({ match, hostname: hostname.optional(), ...settingsKeys });

const schema = z.strictObject({
  machines: z.preprocess(unlessEmpty, z.array(entry).default([])),
  defaults: z.preprocess(unlessEmpty, z.strictObject(settingsKeys).default({})),
});

/** The settings of an entry or of the defaults, as the file has them. */
export type WrittenSettings = z.infer<typeof schema>["defaults"];
type WrittenEntry = z.infer<typeof schema>["machines"][number];

/** The contents of a machines file. */
export interface MachinesFile {
  readonly machines: readonly (WrittenEntry & Located & { readonly location: string })[];
  readonly defaults: WrittenSettings & Located;
}

/** Knows the position of keys in the file. */
export interface Located {
  /** For example `machines.yaml, line 7`. */
  locationOf(key: string): string;
}

/**
 * Parses a machines file. All scalars are read as text, so that a serial number keeps its zeros and a
 * MAC address does not become a number of base 60.
 * @param name of the file, for messages
 * @throws NetbootError MACHINES_INVALID with the line
 */
export function parseMachinesFile(text: string, name: string): MachinesFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines });
  const locationAt = (offset: number) => `${name}, line ${lines.linePos(offset).line}`;
  requireValidYaml(document, locationAt);
  const locationOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | undefined;
      const [start] = node?.range ?? [];
      if (start !== undefined) return locationAt(start);
    }
    return name;
  };
  const content: unknown = document.toJS() ?? {};
  const parsed = schema.safeParse(isScalar(document.contents) && content === "" ? {} : content);
  if (!parsed.success) throw schemaError(parsed.error, locationOf);
  const { machines, defaults } = parsed.data;
  return {
    machines: machines.map((entry, index) => ({
      ...entry,
      location: locationOf(["machines", index]),
      locationOf: (key) => locationOf(["machines", index, key]),
    })),
    defaults: { ...defaults, locationOf: (key) => locationOf(["defaults", key]) },
  };
}

function requireValidYaml(document: Document.Parsed, locationAt: (offset: number) => string): void {
  const [error] = document.errors;
  if (error !== undefined) {
    const [problem = ""] = error.message.split(" at line ");
    throw machinesFileError(locationAt(error.pos[0]), withLowerCase(problem));
  }
  const alias = findAlias(document);
  if (alias === undefined) return;
  const problem = `*${alias.source} is a YAML alias, and aliases are not supported; quote values that begin with *`;
  throw machinesFileError(locationAt(alias.range?.[0] ?? 0), problem);
}

function schemaError(
  error: z.ZodError,
  locationOf: (path: readonly PropertyKey[]) => string,
): NetbootError {
  const [issue] = error.issues;
  if (issue === undefined) throw error;
  const { path, message } = issue;
  const unknownKey = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const key = path.filter((part) => typeof part === "string").join(".");
  const problem = [key, withLowerCase(message)].filter(Boolean).join(": ");
  return machinesFileError(locationOf([...path, ...unknownKey]), problem);
}

/** YAML takes a value that begins with `*` for an alias, which the machines file does not need. */
function findAlias(document: Document): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias(_, alias) {
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

/** @param location for example `machines.yaml, line 7` */
export function machinesFileError(location: string, problem: string): NetbootError {
  return new NetbootError(
    "MACHINES_INVALID",
    `${location}: ${problem}.`,
    "docs/machines-file.md describes the machines file, with an example.",
  );
}

function withLowerCase(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
