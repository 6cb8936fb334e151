import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import {
  digestOf,
  type ImageContent,
  ociIndexType,
  type Pointer,
} from "../../oci-client/support/image-content.js";
import { checkout } from "../../support/checkout.js";

export const fixtures = join(checkout, "testdata/signatures");
const layout = join(checkout, "testdata/demo-image");

const emptyMediaType = "application/vnd.oci.empty.v1+json";
const simpleSigningMediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

export function fixture(name: string): Buffer {
  return readFileSync(join(fixtures, name));
}

/** Adds the demo image to some content. */
export function addDemo(content: ImageContent): Pointer {
  const root = addDemoManifest(content);
  const manifest = content.json(root);
  for (const blob of [manifest.config, ...manifest.layers]) addDemoBlob(content, blob);
  return root;
}

/** Adds only the manifest of the demo image. */
export function addDemoManifest(content: ImageContent): Pointer {
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const { annotations: _, ...root } = index.manifests[0] as Pointer;
  return addDemoBlob(content, root);
}

function addDemoBlob(content: ImageContent, { digest, mediaType }: Pointer): Pointer {
  return content.add(readFileSync(join(layout, "blobs/sha256", digest.slice(7))), mediaType);
}

/** A payload and its signature, as files in testdata/signatures or as bytes. */
export type Signed = readonly [payload: string | Buffer, signature: string | Buffer];

const bytesOf = (given: string | Buffer) => (Buffer.isBuffer(given) ? given : fixture(given));

/** The manifest that cosign tags `sha256-….sig`, with signatures that have no certificate. */
export function addSignatures(content: ImageContent, signed: readonly Signed[]): Pointer {
  const layers = signed.map(([payload, signature]): AnnotatedPayload => {
    const text = bytesOf(signature).toString("latin1");
    return [bytesOf(payload), { "dev.cosignproject.cosign/signature": text }];
  });
  return addAnnotatedPayloads(content, layers);
}

type AnnotatedPayload = readonly [payload: Buffer, annotations: Readonly<Record<string, string>>];

/** The manifest that cosign tags `sha256-….sig` (specs/SIGNATURE_SPEC.md, "Storage"). */
export function addAnnotatedPayloads(
  content: ImageContent,
  payloads: readonly AnnotatedPayload[],
): Pointer {
  const layers = payloads.map(([payload, annotations]) =>
    content.add(payload, simpleSigningMediaType, { annotations }),
  );
  const config = content.add(
    {
      architecture: "",
      os: "",
      rootfs: { type: "layers", diff_ids: layers.map((it) => it.digest) },
    },
    "application/vnd.oci.image.config.v1+json",
  );
  return content.manifest({ config, layers });
}

/**
 * A referrer with a bundle (specs/BUNDLE_SPEC.md, "Publishing").
 * @param bundle a file in testdata/signatures, or bytes
 */
export function addBundle(
  content: ImageContent,
  subject: Pointer,
  bundle: string | Buffer,
): Pointer {
  const config = content.add({}, emptyMediaType);
  const layers = [content.add(bytesOf(bundle), bundleMediaType)];
  const pointer = content.manifest({ artifactType: bundleMediaType, config, layers, subject });
  return { ...pointer, artifactType: bundleMediaType };
}

/** The answer of the referrers API, or the index with the tag `sha256-…` without that API. */
export function referrersList(content: ImageContent, referrers: readonly Pointer[]): Pointer {
  return content.add(
    { schemaVersion: 2, mediaType: ociIndexType, manifests: referrers },
    ociIndexType,
  );
}

/** Pushes content with a tag to a registry that accepts everything. */
export async function push(
  base: string,
  content: ImageContent,
  tags: Readonly<Record<string, Pointer>>,
): Promise<void> {
  const isManifest = (bytes: Buffer) => bytes.includes('"schemaVersion"');
  for (const [digest, bytes] of content.blobs) {
    if (isManifest(bytes)) continue;
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location")!, base);
    place.searchParams.set("digest", digest);
    await expectOk(await fetch(place, { method: "PUT", body: new Uint8Array(bytes) }));
  }
  const isIndex = (bytes: Buffer) => bytes.includes('"manifests"');
  const manifests = [...content.blobs.values()].filter(isManifest);
  const put = async (target: string, bytes: Buffer) => {
    const type = JSON.parse(bytes.toString()).mediaType as string;
    await expectOk(
      await fetch(`${base}/manifests/${target}`, {
        method: "PUT",
        headers: { "content-type": type },
        body: new Uint8Array(bytes),
      }),
    );
  };
  for (const bytes of manifests.sort((a, b) => Number(isIndex(a)) - Number(isIndex(b)))) {
    await put(digestOf(bytes), bytes);
  }
  for (const [tag, pointer] of Object.entries(tags)) await put(tag, content.bytes(pointer));
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}

/** Writes an OCI layout with these manifests, images and signatures. */
export async function writeLayout(
  content: ImageContent,
  manifests: readonly Pointer[],
): Promise<string> {
  const directory = await temporaryDirectory();
  const blobs = join(directory, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  for (const [digest, bytes] of content.blobs) await writeFile(join(blobs, digest.slice(7)), bytes);
  await writeFile(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return directory;
}
