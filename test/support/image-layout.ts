import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Compression, compress, mediaTypeOf } from "./layer-compression.js";

/** One layer of a test image. */
export interface TestLayer {
  /** The plain archive. */
  readonly tar: Buffer;
  /** "gzip" by default. */
  readonly compression?: Compression;
  /** The blob, if it is not just the compressed archive. */
  readonly blob?: Buffer;
  /** The diff ID in the configuration, if it is not the archive's digest. */
  readonly diffId?: string;
}

/** When the image was created. Each layer is a minute newer than the one below. Seconds. */
export const imageCreated = Date.UTC(2024, 0, 1) / 1000;
const firstLayerCreated = Date.UTC(2023, 0, 1) / 1000;

/** When a layer was created, which is the time of the directories that it implies; seconds. */
export function layerCreated(number: number): number {
  return firstLayerCreated + 60 * number;
}

/** Writes an OCI layout (OCI image-spec 1.1, image-layout.md) with one image, tagged `test`. */
export async function writeLayout(directory: string, layers: readonly TestLayer[]): Promise<void> {
  const blobs = join(directory, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const put = async (bytes: Buffer, mediaType: string) => {
    const digest = sha256(bytes);
    await writeFile(join(blobs, digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));

  const descriptors = [];
  for (const { tar, compression = "gzip", blob } of layers) {
    descriptors.push(await put(blob ?? compress(tar, compression), mediaTypeOf(compression)));
  }
  const config = await put(json(configOf(layers)), "application/vnd.oci.image.config.v1+json");
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await put(
    json({ schemaVersion: 2, mediaType: manifestType, config, layers: descriptors }),
    manifestType,
  );
  const annotations = { "org.opencontainers.image.ref.name": "test" };
  await writeFile(
    join(directory, "index.json"),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(directory, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
}

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function configOf(layers: readonly TestLayer[]): unknown {
  const history = layers.map((_, number) => ({
    created: rfc3339(layerCreated(number)),
    created_by: `layer ${number}`,
  }));
  // A step that changed nothing has no layer and must not shift the times of the others.
  history.splice(1, 0, {
    created: rfc3339(firstLayerCreated - 1000),
    created_by: "ENV A=B",
    ...{ empty_layer: true },
  });
  return {
    architecture: "amd64",
    os: "linux",
    created: rfc3339(imageCreated),
    config: {},
    rootfs: {
      type: "layers",
      diff_ids: layers.map(({ tar, diffId }) => diffId ?? sha256(tar)),
    },
    history,
  };
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
