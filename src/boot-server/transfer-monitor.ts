import type { FileTransfer, MachineEvent } from "./events/events.js";
import type { HttpOutcome, HttpTransfer } from "./http/http-server.js";
import type { TftpEvent } from "./tftp/tftp-server.js";

/** Milliseconds between two looks at transfers that are under way. */
const interval = 1000;
/** Looks after which a transfer is told of in the log, too. */
const looksPerLine = 10;

interface Watched {
  sent: number;
  looks: number;
}

export interface TransferMonitorOptions {
  /** The hardware address of the machine with an address; undefined where it is not known. */
  macAt(client: string): string | undefined;
  /** @param isQuiet true for what is too much for a log */
  onEvent(event: MachineEvent, options?: { isQuiet: boolean }): void;
}

/** Tells of what machines fetch, from its beginning to its end. */
export class TransferMonitor {
  readonly #options: TransferMonitorOptions;
  readonly #underWay = new Map<HttpTransfer, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: TransferMonitorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), interval).unref();
  }

  /** Transfers that are under way by HTTP. */
  get count(): number {
    return this.#underWay.size;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  httpStarted(transfer: HttpTransfer): void {
    if (transfer.role === undefined || transfer.isHead) return;
    this.#underWay.set(transfer, { sent: 0, looks: 0 });
    this.#tell("started", transfer);
  }

  httpEnded(transfer: HttpTransfer, outcome: HttpOutcome): void {
    const { client, name } = transfer;
    this.#underWay.delete(transfer);
    const { status, seconds, isComplete, reachesEnd } = outcome;
    if (status >= 400) {
      const mac = this.#macOf(transfer);
      if (status === 503) {
        this.#options.onEvent({ type: "waiting", mac, client, name });
        return;
      }
      const reason = `${name} by HTTP: status ${status}`;
      const isNotable = !isAskedForByDesign(name);
      this.#options.onEvent({ type: "ignored", mac, client, reason, isNotable });
    } else if (transfer.role !== undefined && !transfer.isHead) {
      this.#tell("sent", transfer, { seconds, isComplete: isComplete && reachesEnd });
    }
  }

  tftp(event: TftpEvent): void {
    const { client, name } = event;
    const mac = this.#options.macAt(client);
    if (event.type === "refused") {
      const reason = `${name} by TFTP: ${event.reason}`;
      const isNotable = !isAskedForByDesign(name);
      this.#options.onEvent({ type: "ignored", mac, client, reason, isNotable });
      return;
    }
    const { size } = event;
    const transfer = { mac, client, protocol: "tftp", role: "boot-program", name, size } as const;
    if (event.type === "started") {
      this.#options.onEvent({ ...transfer, type: "started", sent: 0 }, { isQuiet: true });
      return;
    }
    // A client that declines asked for the size only, and asks again.
    if (event.outcome.kind === "declined") return;
    const isComplete = event.outcome.kind === "complete";
    const sent = isComplete ? size : 0;
    this.#options.onEvent({ ...transfer, type: "sent", sent, seconds: event.seconds, isComplete });
  }

  /** Who was given the address, else who has that of the client. */
  #macOf({ mac, client }: Pick<HttpTransfer, "mac" | "client">): string | undefined {
    return mac ?? this.#options.macAt(client);
  }

  #look(): void {
    for (const [transfer, watched] of this.#underWay) {
      const { sent } = transfer;
      const rate = ((sent - watched.sent) * 1000) / interval;
      watched.sent = sent;
      watched.looks += 1;
      const isQuiet = watched.looks % looksPerLine !== 0;
      // Nothing is told of who stands still: that is how it is found out.
      if (rate > 0) this.#tell("progress", transfer, { rate }, isQuiet);
    }
  }

  #tell<Type extends "started" | "progress" | "sent">(
    type: Type,
    transfer: HttpTransfer,
    more?: Omit<Extract<MachineEvent, { type: Type }>, "type" | "mac" | keyof FileTransfer>,
    isQuiet = type === "started",
  ): void {
    const { client, name, role, size, sent } = transfer;
    const mac = this.#macOf(transfer);
    const told = { mac, client, protocol: "http", role: role!, name, size };
    const event = { ...told, type, sent: Math.min(sent, size), ...more } as MachineEvent;
    this.#options.onEvent(event, { isQuiet });
  }
}

/** Files that iPXE and shim look for, and do without; and what sends HTTP Boot to the disk. */
function isAskedForByDesign(name: string): boolean {
  return /(?:^|\/)(?:autoexec\.ipxe|nothing\.efi|revocations[^/]*\.efi|shim_certificate[^/]*\.efi)$/.test(
    name,
  );
}
