import type { Layer } from "../layers/index.js";
import type { ImageConfig, ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { unixSeconds } from "../support/index.js";

/** Starts to fetch the layers of an image. They are returned bottom first. */
export function fetchLayers(image: ResolvedImage, source: ImageSource): Layer[] {
  const { layers } = image.manifest;
  const times = layerTimes(image.config);
  // The layers are read from the top down, but the first bytes of the base layer are needed earlier.
  const [base, ...others] = layers;
  const inOrder = base === undefined ? [] : [base, ...others.reverse()];
  const blobs = new Map(inOrder.map((layer) => [layer, source.fetch(layer)]));
  return layers.map((descriptor, number) => ({
    number,
    count: layers.length,
    blob: blobs.get(descriptor)!,
    diffId: image.config.rootfs.diff_ids[number]!,
    impliedMtime: times[number] ?? createdTime(image.config) ?? 0,
  }));
}

/** When the image was made, in seconds since 1970; undefined if it does not say. */
export function createdTime({ created }: ImageConfig): number | undefined {
  return unixSeconds(created);
}

/** When each layer was made; history entries without a layer are skipped. */
function layerTimes({ history }: ImageConfig): (number | undefined)[] {
  return (history ?? [])
    .filter(({ empty_layer: isEmpty }) => !isEmpty)
    .map(({ created }) => unixSeconds(created));
}
