import type { FileRole } from "../files/served-file.js";

/** What a boot server reports, in the order in which it happens. */
export type ServeEvent =
  | {
      readonly type: "listening";
      /** The URL of the first script. */
      readonly url: string;
      readonly interface: string;
      /** The port of each protocol. */
      readonly ports: Readonly<Record<string, number>>;
    }
  | { readonly type: "message"; readonly level: "info" | "warning"; readonly text: string }
  | MachineEvent;

/** What happens to one machine; `mac` is undefined if the machine is not known. */
export type MachineEvent = { readonly mac: string | undefined } & (
  | {
      readonly type: "offered";
      readonly architecture: string | undefined;
      readonly firmware: string | undefined;
      readonly bootFile: string;
    }
  | { readonly type: "sent-to-disk"; readonly reasons: readonly string[] }
  | {
      readonly type: "leased";
      readonly address: string;
      readonly hostname: string | undefined;
      /** Why a machine that asked to be booted gets only an address. */
      readonly refusal: string | undefined;
    }
  | { readonly type: "waiting"; readonly client: string; readonly name: string }
  | {
      readonly type: "ignored";
      /** The address that was refused by TFTP or HTTP; undefined for DHCP, which sent no answer. */
      readonly client?: string;
      readonly reason: string;
      /** False if nobody needs to know: the client never asked to be booted. */
      readonly isNotable: boolean;
    }
  | {
      readonly type: "script";
      /** The release that the machine boots; undefined if it is refused. */
      readonly release: string | undefined;
      /** Sentences. */
      readonly reasons: readonly string[];
    }
  | (FileTransfer & { readonly type: "started" })
  | (FileTransfer & {
      readonly type: "progress";
      /** Bytes per second, since the previous event of this kind. */
      readonly rate: number;
    })
  | (FileTransfer & {
      readonly type: "sent";
      readonly seconds: number;
      readonly isComplete: boolean;
    })
  | {
      readonly type: "booted";
      readonly release: string;
      /** Seconds since the machine first asked. */
      readonly seconds: number;
    }
  | {
      readonly type: "stalled";
      /** The last step of the machine. */
      readonly step: string;
      /** Seconds of silence. */
      readonly seconds: number;
    }
);

/** A file on its way to a machine. */
export interface FileTransfer {
  /** IP address. */
  readonly client: string;
  readonly protocol: "tftp" | "http";
  readonly role: FileRole;
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Bytes that were sent. */
  readonly sent: number;
}

/** The description of each event type; the reference of the events is generated from it. */
export const eventDescriptions: Readonly<Record<ServeEvent["type"], string>> = {
  listening: "The server listens on an interface.",
  message: "A message or a warning about the server itself, not about one machine.",
  offered: "The server answered the DHCP request of a machine that asked to be booted.",
  "sent-to-disk": "The server told a machine to boot from its disk.",
  leased: "With `--dhcp server`: a machine that starts got an address. Renewals are not reported.",
  waiting: "A machine has to wait for a large file because too many transfers are running.",
  ignored: "A request was refused, or was not answered.",
  script: "A machine's iPXE fetched its script.",
  started: "A transfer began. Not logged; part of the machine's history.",
  progress: "A transfer by HTTP is running. Logged every ten seconds.",
  sent: "A transfer ended, complete or not.",
  booted: "A machine fetched everything that it needs to boot.",
  stalled: "A machine that was booting has been silent for two minutes.",
};
