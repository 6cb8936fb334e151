import type { FileRole } from "../releases/release.js";

/** What a boot server tells of its machines: one after the other, as they happen. */
export type ServeEvent =
  | {
      readonly type: "listening";
      readonly url: string;
      readonly interface: string;
      /** Protocols and their ports. */
      readonly ports: Readonly<Record<string, number>>;
    }
  | { readonly type: "message"; readonly level: "info" | "warning"; readonly text: string }
  | MachineEvent;

/** What happens to one machine; `mac` is undefined where it cannot be known which one it is. */
export type MachineEvent = { readonly mac: string | undefined } & (
  | {
      readonly type: "offered";
      readonly architecture: string | undefined;
      readonly firmware: string | undefined;
      readonly bootFile: string;
    }
  /** It was told to boot from its disk. */
  | { readonly type: "sent-to-disk"; readonly reasons: readonly string[] }
  | {
      /** An address was given to a machine that starts; renewals are not told of. */
      readonly type: "leased";
      readonly address: string;
      readonly hostname: string | undefined;
      /** Why there is nothing to boot for it, where it asked. */
      readonly refusal: string | undefined;
    }
  /** A large file is for it when others have theirs. */
  | { readonly type: "waiting"; readonly client: string; readonly name: string }
  | {
      readonly type: "ignored";
      /** Who asked by TFTP or HTTP, and was told so; undefined for DHCP, where nobody answered. */
      readonly client?: string;
      readonly reason: string;
      /** False for those that never asked to be booted. */
      readonly isNotable: boolean;
    }
  | {
      readonly type: "script";
      /** The release that it boots; undefined where there is nothing for it. */
      readonly release: string | undefined;
      /** Why: sentences. */
      readonly reasons: readonly string[];
    }
  | (Transfer & { readonly type: "started" })
  | (Transfer & {
      readonly type: "progress";
      /** Bytes a second, lately. */
      readonly rate: number;
    })
  | (Transfer & {
      readonly type: "sent";
      readonly seconds: number;
      readonly isComplete: boolean;
    })
  | {
      readonly type: "booted";
      readonly release: string;
      /** Since it first asked. */
      readonly seconds: number;
    }
  | {
      readonly type: "stalled";
      /** What it did last. */
      readonly step: string;
      readonly seconds: number;
    }
);

export interface Transfer {
  readonly client: string;
  readonly protocol: "tftp" | "http";
  readonly role: FileRole;
  readonly name: string;
  /** Bytes of the whole. */
  readonly size: number;
  /** Bytes that went out. */
  readonly sent: number;
}
