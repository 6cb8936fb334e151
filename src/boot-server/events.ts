/** What a boot server tells of its machines: one after the other, as they happen. */
export type ServeEvent =
  | {
      readonly type: "listening";
      readonly url: string;
      readonly interface: string;
      /** Protocols and their ports. */
      readonly ports: Readonly<Record<string, number>>;
    }
  | { readonly type: "message"; readonly level: "warning"; readonly text: string }
  | {
      readonly type: "offered";
      readonly mac: string;
      readonly architecture: string | undefined;
      readonly firmware: string | undefined;
      readonly bootFile: string;
    }
  | {
      /** An address was given to a machine that starts; renewals are not told of. */
      readonly type: "leased";
      readonly mac: string;
      readonly address: string;
      readonly hostname: string | undefined;
      /** Why there is nothing to boot for it, where it asked. */
      readonly refusal: string | undefined;
    }
  | {
      readonly type: "ignored";
      readonly mac: string | undefined;
      readonly reason: string;
      /** False for those that never asked to be booted. */
      readonly isNotable: boolean;
    }
  | {
      readonly type: "script";
      readonly mac: string | undefined;
      readonly release: string | undefined;
    }
  | {
      readonly type: "sent";
      /** The machine, where its address is known. */
      readonly mac: string | undefined;
      readonly client: string;
      readonly protocol: "tftp" | "http";
      readonly name: string;
      /** Bytes. */
      readonly size: number;
      readonly seconds: number;
      readonly isComplete: boolean;
    };
