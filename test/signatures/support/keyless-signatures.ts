import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { addAnnotatedPayloads, addBundle, fixture, fixtures } from "./signed-images.js";

/** The identity in the certificates of testdata/signatures/keyless. */
export const workflow =
  "https://github.com/kairos-io/kairos/.github/workflows/reusable-factory.yaml@refs/tags/v4.3.0";
export const githubIssuer = "https://token.actions.githubusercontent.com";
export const kairosRepository = "https://github.com/kairos-io/kairos";

const directory = join(fixtures, "keyless");
export const trustedRootPath = join(directory, "trusted_root.json");

/** Options that accept these signatures. */
export const workflowOptions = {
  verifyIdentity: workflow,
  verifyIssuer: githubIssuer,
  trustedRoot: trustedRootPath,
};

/** How a signature is stored. */
export const storages = [
  "a tag",
  "a tag, with a timestamp",
  "a bundle",
  "a bundle with an entry of Rekor 2",
] as const;
export type Storage = (typeof storages)[number];

type Json = Record<string, unknown>;
interface Made {
  readonly annotations: Readonly<Record<string, string>>;
  readonly timestampAnnotation: Readonly<Record<string, string>>;
  readonly bundle: Json;
  readonly rekor2Bundle: Json;
}
/** A kind of signature in signatures.json. */
export type MadeName =
  | "valid"
  | "late"
  | "anotherImage"
  | "notInCertificateLog"
  | "anotherAuthority";

const all = JSON.parse(readFileSync(join(directory, "signatures.json"), "utf8")) as Record<
  MadeName,
  Made
> & {
  readonly message: Pick<Made, "bundle" | "rekor2Bundle">;
  readonly attestation: Pick<Made, "bundle">;
};

/** A payload with annotations, or a bundle; tests change them. */
export interface StoredSignature {
  payload: Buffer;
  annotations: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests change any member.
  bundle: any;
}

export function storedSignature(storage: Storage, name: MadeName = "valid"): StoredSignature {
  const { annotations, timestampAnnotation, bundle, rekor2Bundle } = structuredClone(all[name]);
  const payload = fixture(name === "anotherImage" ? "another-image.json" : "demo.json");
  const simple = (more: Json = {}) => ({
    payload,
    annotations: { ...annotations, ...more } as Record<string, string>,
    bundle: undefined,
  });
  switch (storage) {
    case "a tag":
      return simple();
    case "a tag, with a timestamp":
      return simple(timestampAnnotation);
    case "a bundle":
      return { payload, annotations: {}, bundle };
    case "a bundle with an entry of Rekor 2":
      return { payload, annotations: {}, bundle: rekor2Bundle };
  }
}

/** Signatures of the manifest itself, and attestations: only as bundles. */
export const otherBundles = {
  message: all.message.bundle,
  rekor2Message: all.message.rekor2Bundle,
  attestation: all.attestation.bundle,
};

/** Adds the manifest that holds a signature. */
export function addStoredSignature(
  content: ImageContent,
  subject: Pointer,
  { payload, annotations, bundle }: StoredSignature,
): Pointer {
  return bundle === undefined
    ? addAnnotatedPayloads(content, [[payload, annotations]])
    : addBundle(content, subject, Buffer.from(JSON.stringify(bundle)));
}
