import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  digestOf,
  ImageContent,
  ociConfigType,
  ociLayerType,
  type Pointer,
} from "../../oci-client/support/image-content.js";
import { baseLayer } from "../../support/base-layer.js";
import { type ArchivePart, type TarItem, tar } from "../../support/tar-builder.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** How the files of an image with the base layer are called. */
export const baseName = "kairos-debian-12-core-amd64-generic-v1.2.3";

export interface ImageOptions {
  /** Members of the image configuration that differ. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Members of the manifest that differ. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** An image of these layers for linux/amd64, made on 2024-01-01. */
export function addImage(
  content: ImageContent,
  layers: readonly (readonly ArchivePart[])[],
  { config = {}, manifest = {} }: ImageOptions = {},
): Pointer {
  const tars = layers.map(tar);
  const configuration = content.add(
    {
      architecture: "amd64",
      os: "linux",
      created: "2024-01-01T00:00:00Z",
      rootfs: {
        type: "layers",
        diff_ids: tars.map((bytes) => digestOf(bytes, content.algorithm)),
      },
      ...config,
    },
    ociConfigType,
  );
  const blobs = tars.map((bytes) => content.add(gzipSync(bytes, { level: 1 }), ociLayerType));
  return content.manifest({ config: configuration, layers: blobs, ...manifest });
}

/** Writes such an image as an OCI layout and gives back its reference. */
export async function imageOf(
  layers: readonly (readonly ArchivePart[])[],
  options?: ImageOptions,
): Promise<string> {
  const content = new ImageContent();
  return layoutOf(content, addImage(content, layers, options));
}

/** Writes content as an OCI layout with one tag and gives back the reference of that. */
export async function layoutOf(content: ImageContent, root: Pointer): Promise<string> {
  const directory = join(await temporaryDirectory(), "layout");
  await content.writeLayout(directory, root, "test");
  return `oci:${directory}:test`;
}

/** The base layer without the entries of these names. */
export function baseWithout(...names: readonly string[]): ArchivePart[] {
  return baseLayer.filter((part) => !names.includes((part as TarItem).name as string));
}

/** A file whose bytes do not compress. */
export function noise(name: string, bytes: number): TarItem {
  return { name, content: randomBytes(bytes) };
}
