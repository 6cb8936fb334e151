import * as z from "zod";
import { sha256Hex } from "../support/index.js";
import { filesOf } from "./artifact-files.js";
import { netbootJsonName, type WrittenNetbootJson } from "./netboot-json.js";

export const provenanceName = "provenance.json";

/**
 * Formats an in-toto Statement v1 with a SLSA Provenance v1 predicate
 * (https://slsa.dev/spec/v1.0/provenance): the files, and the image and the options that they were
 * made from. As in everything that the program publishes, times of the run are left out.
 * @param json the text of netboot.json
 * @param imageUri names the image and its digest
 */
export function formatProvenance(
  netbootJson: WrittenNetbootJson,
  json: string,
  imageUri: string,
): string {
  const { source, options, program } = netbootJson;
  const [algorithm = "", hex = ""] = source.manifestDigest.split(":");
  const subjects = [...filesOf(netbootJson), { name: netbootJsonName, sha256: sha256Hex(json) }];
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: `pkg:generic/${program.name}#extract/v1`,
        externalParameters: { image: source.reference, platform: source.platform, options },
        resolvedDependencies: [{ name: "image", uri: imageUri, digest: { [algorithm]: hex } }],
      },
      runDetails: {
        builder: {
          id: `pkg:generic/${program.name}@${encodeURIComponent(program.version)}`,
          version: { [program.name]: program.version },
        },
      },
    },
  };
  return `${JSON.stringify(statement, undefined, 2)}\n`;
}

const digests = z.record(z.string(), z.string());

const statement = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  predicateType: z.literal("https://slsa.dev/provenance/v1"),
  subject: z.array(z.object({ name: z.string(), digest: digests })).max(1000),
  predicate: z.object({
    buildDefinition: z.object({
      resolvedDependencies: z.array(z.object({ digest: digests.optional() })).max(1000),
    }),
  }),
});

interface Provenance {
  /** SHA-256 of each file in hexadecimal, by the file's name. */
  readonly subjects: ReadonlyMap<string, string | undefined>;
  /** Digests, as `sha256:…`. */
  readonly dependencies: ReadonlySet<string>;
}

/** @returns undefined if the text is not such a statement */
export function parseProvenance(text: string): Provenance | undefined {
  try {
    const { subject, predicate } = statement.parse(JSON.parse(text));
    const dependencies = predicate.buildDefinition.resolvedDependencies.flatMap(({ digest }) =>
      Object.entries(digest ?? {}).map(([algorithm, hex]) => `${algorithm}:${hex}`),
    );
    return {
      subjects: new Map(subject.map(({ name, digest }) => [name, digest.sha256])),
      dependencies: new Set(dependencies),
    };
  } catch {
    return undefined;
  }
}
