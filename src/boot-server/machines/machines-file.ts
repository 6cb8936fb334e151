import { type Alias, type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { z } from "zod";
import { NetbootError } from "../../support/index.js";
import { MacPattern } from "./mac-pattern.js";
import { bootModes } from "./rules.js";

/** As other tools name them. */
const synonyms: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  x64: "amd64",
  aarch64: "arm64",
};
const architectures = ["amd64", "arm64", "386", "arm", "riscv64"];

const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((it) => (typeof it === "string" ? [it] : it), z.array(item).min(1));
const word = z.string().min(1);
const line = z.string().regex(/^[^\r\n]*$/, "has to be one line");

const macPattern = z.string().transform((text, context) => {
  const pattern = MacPattern.parse(text);
  if (pattern !== undefined) return pattern;
  context.addIssue(`${text} is no hardware address, nor the beginning of one`);
  return z.NEVER;
});
const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "is no UUID")
  .transform((text) => text.toLowerCase());
const architecture = z
  .string()
  .transform((text) => synonyms[text] ?? text)
  .refine((text) => architectures.includes(text), `has to be one of ${architectures.join(", ")}`);

const settings = {
  boot: z.enum(bootModes).optional(),
  release: word.optional(),
  cmdline: line.optional(),
  "cloud-config": word.optional(),
  "boot-program": word.optional(),
  "offer-style": z.enum(["direct", "port-4011"]).optional(),
};

const match = z
  .strictObject({
    mac: oneOrMore(macPattern).optional(),
    uuid: oneOrMore(uuid).optional(),
    serial: oneOrMore(word).optional(),
    architecture: oneOrMore(architecture).optional(),
  })
  .refine((it) => Object.values(it).some((value) => value !== undefined), {
    error: "names nothing to go by: give mac, uuid, serial or architecture",
  });

/** A key with nothing behind it comes as empty text. */
const unlessEmpty = (value: unknown) => (value === "" ? undefined : value);
const entry = z.strictObject({ match, hostname: word.optional(), ...settings });

const schema = z.strictObject({
  machines: z.preprocess(unlessEmpty, z.array(entry).default([])),
  defaults: z.preprocess(unlessEmpty, z.strictObject(settings).default({})),
});

/** One machine of the file, or its defaults. */
export type WrittenSettings = z.infer<typeof schema>["defaults"];
export type WrittenEntry = z.infer<typeof schema>["machines"][number];

/** What a machines file says. */
export interface WrittenRules {
  readonly machines: readonly (WrittenEntry & Placed & { readonly place: string })[];
  readonly defaults: WrittenSettings & Placed;
}

/** Where keys stand, as in `machines.yaml, line 7`. */
export interface Placed {
  placeOf(key: string): string;
}

/**
 * Reads a machines file. All scalars are taken as they are written: a serial number keeps its
 * zeros, and a hardware address is no number of base 60.
 * @param name of the file, for messages
 * @throws NetbootError MACHINES_INVALID with the line
 */
export function parseMachinesFile(text: string, name: string): WrittenRules {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines });
  const lineOf = (offset: number) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined) {
    const [problem] = error.message.split(" at line ");
    throw machinesError(`${name}, line ${lineOf(error.pos[0])}`, lowered(problem!));
  }
  const alias = findAlias(document);
  if (alias !== undefined) {
    const problem = `*${alias.source} is an alias of YAML, and those are not followed here; put what begins with * in quotes`;
    throw machinesError(`${name}, line ${lineOf(alias.range?.[0] ?? 0)}`, problem);
  }
  const content: unknown = document.toJS() ?? {};
  const parsed = schema.safeParse(isScalar(document.contents) && content === "" ? {} : content);
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | undefined;
      if (node?.range != null) return `${name}, line ${lineOf(node.range[0]!)}`;
    }
    return name;
  };
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const { path: place, message } = issue!;
    const path = issue!.code === "unrecognized_keys" ? [...place, issue!.keys[0]!] : place;
    const key = place.filter((part) => typeof part === "string").join(".");
    throw machinesError(placeOf(path), [key, lowered(message)].filter(Boolean).join(": "));
  }
  const { machines, defaults } = parsed.data;
  return {
    machines: machines.map((entry, index) => {
      const placeOfKey = (key: string) => placeOf(["machines", index, key]);
      return { ...entry, place: placeOf(["machines", index]), placeOf: placeOfKey };
    }),
    defaults: { ...defaults, placeOf: (key) => placeOf(["defaults", key]) },
  };
}

/** YAML takes what begins with `*` for an alias; nobody needs these here. */
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

/** @param place as in `machines.yaml, line 7` */
export function machinesError(place: string, problem: string): NetbootError {
  return new NetbootError(
    "MACHINES_INVALID",
    `${place}: ${problem}.`,
    "The README describes the machines file, with an example.",
  );
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
