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
