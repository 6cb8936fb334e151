import type { EventDescriptions } from "../support/index.js";

/** What happens, as it happens. Sizes are bytes. */
export type ExtractEvent =
  | {
      readonly type: "image";
      readonly reference: string;
      readonly digest: string;
      readonly platform: string;
      /** Bottom first; sizes are compressed. */
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  | {
      readonly type: "layer";
      readonly digest: string;
      readonly present: number;
      readonly size: number;
      readonly isCached: boolean;
    }
  | {
      readonly type: "squashfs";
      /** Contents that mksquashfs was given. */
      readonly written: number;
      readonly total: number;
      /** True until the image was read to its end. */
      readonly isEstimate: boolean;
    }
  | {
      readonly type: "message";
      readonly level: "info" | "warning" | "detail";
      readonly text: string;
    };

export type ExtractEventOf<Type extends ExtractEvent["type"]> = Extract<
  ExtractEvent,
  { type: Type }
>;

/** The reference of the events is generated from this table. */
export const extractEventDescriptions: EventDescriptions<ExtractEvent> = {
  image: {
    meaning: "The image is resolved; the pull begins.",
    fields: {
      reference: ["string", "Reference as given"],
      digest: ["string", "Digest of the image manifest"],
      platform: ["string", "Platform, such as `linux/amd64`"],
      layers: ["array of objects", "`digest` and compressed `size` of each layer, bottom first"],
    },
  },
  layer: {
    meaning: "More of a layer is present. Only in the library, not with `--json`.",
    fields: {
      digest: ["string", "Digest of the layer"],
      present: ["number", "Bytes that are present"],
      size: ["number", "Compressed size in bytes"],
      isCached: ["boolean", "True if the layer was already on disk and did not have to be fetched"],
    },
  },
  squashfs: {
    meaning: "More of the squashfs is written. Only in the library, not with `--json`.",
    fields: {
      written: ["number", "Bytes of contents that mksquashfs received"],
      total: ["number", "Bytes of all contents"],
      isEstimate: ["boolean", "True until the image is read completely"],
    },
  },
  message: {
    meaning: "A message or a warning.",
    fields: {
      level: ["string", "`info`, `warning`, or `detail`"],
      text: ["string", "One or more sentences"],
    },
  },
};
