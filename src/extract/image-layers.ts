import type { Layer } from "../layers/index.js";
import type { ImageConfig, ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { unixSeconds } from "../support/index.js";

/** The layers of an image, bottom first; their blobs begin to be fetched. */
export function fetchLayers(image: ResolvedImage, source: ImageSource): Layer[] {
  const { layers } = image.manifest;
  const times = layerTimes(image.config);
  // They are read from the top down; of the base, the first bytes are wanted before that.
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

/** When the image was made, in seconds since 1970; undefined where it does not say. */
export function createdTime({ created }: ImageConfig): number | undefined {
  return unixSeconds(created);
}

/** When each layer was made; history entries without a layer are passed over. */
function layerTimes({ history }: ImageConfig): (number | undefined)[] {
  return (history ?? [])
    .filter(({ empty_layer: isEmpty }) => !isEmpty)
    .map(({ created }) => unixSeconds(created));
}
