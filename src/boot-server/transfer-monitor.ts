import type { FileTransfer, MachineEvent } from "./events/events.js";
import type { FileRole } from "./files/served-file.js";
import type { HttpOutcome, HttpTransfer } from "./http/http-transfer.js";
import type { TftpEvent } from "./tftp/tftp-server.js";

/** Between two progress events of a transfer. */
const progressIntervalMs = 1000;
/** One in this many progress events is also logged. */
const intervalsPerLogLine = 10;

interface MonitoredTransfer {
  /** Bytes at the previous check. */
  sent: number;
  checks: number;
}

/** A transfer of a file that is part of a boot. */
type BootTransfer = HttpTransfer & { readonly role: FileRole };

export interface TransferMonitorOptions {
  /** Returns the MAC address of the machine with an IP address, if it is known. */
  macAt(client: string): string | undefined;
  /** @param options.isQuiet true for events that would flood a log */
  onEvent(event: MachineEvent, options?: { isQuiet: boolean }): void;
}

/** Reports the files that machines fetch, from start to end. */
export class TransferMonitor {
  readonly #options: TransferMonitorOptions;
  readonly #running = new Map<BootTransfer, MonitoredTransfer>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: TransferMonitorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#reportProgress(), progressIntervalMs).unref();
  }

  /** The number of HTTP transfers that are running. */
  get count(): number {
    return this.#running.size;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  httpStarted(transfer: HttpTransfer): void {
    if (!isBootTransfer(transfer)) return;
    this.#running.set(transfer, { sent: 0, checks: 0 });
    this.#emit({ ...this.#describe(transfer), type: "started" }, true);
  }

  httpEnded(
    transfer: HttpTransfer,
    { status, seconds, isComplete, reachesEnd }: HttpOutcome,
  ): void {
    if (status >= 400) this.#httpRefused(transfer, status);
    if (!isBootTransfer(transfer)) return;
    this.#running.delete(transfer);
    if (status >= 400) return;
    const hasAll = isComplete && reachesEnd;
    this.#emit({ ...this.#describe(transfer), type: "sent", seconds, isComplete: hasAll });
  }

  tftp(event: TftpEvent): void {
    const { client, name } = event;
    const mac = this.#options.macAt(client);
    if (event.type === "refused") {
      this.#refused(mac, client, name, `${name} by TFTP: ${event.reason}`);
      return;
    }
    const { size } = event;
    const transfer = { mac, client, protocol: "tftp", role: "boot-program", name, size } as const;
    if (event.type === "started") {
      this.#emit({ ...transfer, type: "started", sent: 0 }, true);
      return;
    }
    // The client only wanted to know the size, and will ask again.
    if (event.outcome.kind === "declined") return;
    const isComplete = event.outcome.kind === "complete";
    const { seconds } = event;
    this.#emit({ ...transfer, type: "sent", sent: isComplete ? size : 0, seconds, isComplete });
  }

  #httpRefused(transfer: HttpTransfer, status: number): void {
    const { client, name } = transfer;
    const mac = this.#macOf(transfer);
    if (status === 503) this.#emit({ type: "waiting", mac, client, name });
    else this.#refused(mac, client, name, `${name} by HTTP: status ${status}`);
  }

  #refused(mac: string | undefined, client: string, name: string, reason: string): void {
    const isNotable = !isOptionalFile(name);
    this.#emit({ type: "ignored", mac, client, reason, isNotable });
  }

  /** The machine that was given the URL, or the one with the client's IP address. */
  #macOf({ mac, client }: HttpTransfer): string | undefined {
    return mac ?? this.#options.macAt(client);
  }

  #reportProgress(): void {
    for (const [transfer, monitored] of this.#running) {
      const { sent } = transfer;
      const rate = ((sent - monitored.sent) * 1000) / progressIntervalMs;
      monitored.sent = sent;
      monitored.checks += 1;
      // Silence is how a stalled machine is found.
      if (rate <= 0) continue;
      const isQuiet = monitored.checks % intervalsPerLogLine !== 0;
      this.#emit({ ...this.#describe(transfer), type: "progress", rate }, isQuiet);
    }
  }

  #describe(transfer: BootTransfer): FileTransfer & { readonly mac: string | undefined } {
    const { client, role, name, size, sent } = transfer;
    const mac = this.#macOf(transfer);
    return { mac, client, protocol: "http", role, name, size, sent: Math.min(sent, size) };
  }

  #emit(event: MachineEvent, isQuiet = false): void {
    this.#options.onEvent(event, { isQuiet });
  }
}

function isBootTransfer(transfer: HttpTransfer): transfer is BootTransfer {
  return transfer.role !== undefined && !transfer.isHead;
}

/** iPXE and shim look for these files and do without them; `nothing.efi` sends HTTP Boot to the disk. */
function isOptionalFile(name: string): boolean {
  return /(?:^|\/)(?:autoexec\.ipxe|nothing\.efi|revocations[^/]*\.efi|shim_certificate[^/]*\.efi)$/.test(
    name,
  );
}
