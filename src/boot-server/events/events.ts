import type { EventDescriptions } from "../../support/index.js";
import type { FileRole } from "../files/served-file.js";

/** The events of a boot server, in the order in which they happen. */
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
      /** A defect of the request that the server tolerated, as a clause. */
      readonly remark?: string | undefined;
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
      /** False if the client never asked to be booted. */
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

const mac = ["string?", "MAC address of the machine, if it is known"] as const;
const transfer = {
  mac,
  client: ["string", "IP address of the machine"],
  protocol: ["string", "`tftp` or `http`"],
  role: ["string", "Role of the file: `boot-program`, `kernel`, `initrd`, `squashfs`, …"],
  name: ["string", "Name of the file"],
  size: ["number", "Size of the file in bytes"],
  sent: ["number", "Bytes that were sent"],
} as const;

/** The reference of the events is generated from this table. */
export const serveEventDescriptions: EventDescriptions<ServeEvent> = {
  listening: {
    meaning: "The server listens on an interface.",
    fields: {
      url: ["string", "URL of the first iPXE script"],
      interface: ["string", "Name of the interface"],
      ports: ["object", "Port of each protocol"],
    },
  },
  message: {
    meaning: "A message or a warning about the server itself, not about one machine.",
    fields: {
      level: ["string", "`info` or `warning`"],
      text: ["string", "One or more sentences"],
    },
  },
  offered: {
    meaning: "The server answered the DHCP request of a machine that asked to be booted.",
    fields: {
      mac,
      architecture: ["string?", "Architecture as OCI names it, such as `amd64`"],
      firmware: ["string?", "Firmware of the machine, such as `bios` or `uefi`"],
      bootFile: ["string", "Boot program or URL that the server offered"],
      remark: ["string?", "What is wrong with the request and was tolerated"],
    },
  },
  "sent-to-disk": {
    meaning: "The server told a machine to boot from its disk.",
    fields: { mac, reasons: ["array of strings", "Reasons, as sentences"] },
  },
  leased: {
    meaning:
      "With `--dhcp server`: a machine that starts got an address. Renewals are not reported.",
    fields: {
      mac,
      address: ["string", "IP address"],
      hostname: ["string?", "Host name that the machine sent"],
      refusal: ["string?", "Why a machine that asked to be booted gets only an address"],
    },
  },
  waiting: {
    meaning: "A machine has to wait for a large file because too many transfers are running.",
    fields: {
      mac,
      client: ["string", "IP address of the machine"],
      name: ["string", "Name of the file"],
    },
  },
  ignored: {
    meaning: "A request was refused, or was not answered.",
    fields: {
      mac,
      client: ["string?", "IP address that TFTP or HTTP refused; missing for DHCP"],
      reason: ["string", "Why"],
      isNotable: ["boolean", "False if the client never asked to be booted"],
    },
  },
  script: {
    meaning: "iPXE on a machine fetched its script.",
    fields: {
      mac,
      release: ["string?", "Release that the machine boots; missing if it is refused"],
      reasons: ["array of strings", "Reasons, as sentences"],
    },
  },
  started: {
    meaning: "A transfer began. Only in the history that `explain --json` prints.",
    fields: transfer,
  },
  progress: {
    meaning: "An HTTP transfer is running. Reported every ten seconds.",
    fields: {
      ...transfer,
      rate: ["number", "Bytes per second since the previous report"],
    },
  },
  sent: {
    meaning: "A transfer ended, complete or not.",
    fields: {
      ...transfer,
      seconds: ["number", "Duration"],
      isComplete: ["boolean", "True if the machine received the whole file"],
    },
  },
  booted: {
    meaning: "A machine fetched everything that it needs to boot.",
    fields: {
      mac,
      release: ["string", "Name of the release"],
      seconds: ["number", "Seconds since the machine first asked"],
    },
  },
  stalled: {
    meaning: "A machine that was booting has been silent for two minutes.",
    fields: {
      mac,
      step: ["string", "Its last step"],
      seconds: ["number", "Seconds of silence"],
    },
  },
};
