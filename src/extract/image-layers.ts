import type { Layer } from "../layers/index.js";
import type { ImageConfig, ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { unixSeconds } from "../support/index.js";

/** Starts to fetch the layers of an image. They are returned bottom first. */
export function fetchLayers(image: ResolvedImage, source: ImageSource): Layer[] {
  const { manifest, config } = image;
  const times = layerTimes(config);
  const count = manifest.layers.length;
  const [base, ...others] = manifest.layers.map((descriptor, number) => ({ descriptor, number }));
  // The layers are read from the top down, but the first bytes of the base layer are needed earlier.
  const inFetchOrder = base === undefined ? [] : [base, ...others.reverse()];
  const layers = inFetchOrder.map(({ descriptor, number }) => ({
    number,
    count,
    blob: source.fetch(descriptor),
    diffId: diffIdOf(config, number),
    impliedMtime: times[number] ?? createdTime(config) ?? 0,
  }));
  return layers.sort((one, other) => one.number - other.number);
}

/** The client has checked that the configuration lists as many layers as the manifest. */
function diffIdOf({ rootfs }: ImageConfig, number: number): string {
  const diffId = rootfs.diff_ids[number];
  if (diffId === undefined) throw new RangeError(`layer ${number} has no diff_id`);
  return diffId;
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
