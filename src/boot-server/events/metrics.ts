import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { MachineState } from "./boot-session.js";
import type { ServeEvent } from "./events.js";

/** What the figures of this moment are read from. */
export interface MetricSources {
  /** Machines in each state. */
  states(): ReadonlyMap<MachineState, number>;
  /** Transfers that are under way by HTTP. */
  transfers(): number;
}

/** Counts what happens, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #offers = this.#counter("offers_total", "BootOffers to machines that ask to be booted", [
    "architecture",
    "firmware",
  ]);
  readonly #ignored = this.#counter("ignored_total", "Requests without an answer, or refused", []);
  readonly #boots = this.#counter("boots_total", "Machines that fetched all they need", [
    "release",
  ]);
  readonly #stalls = this.#counter(
    "stalls_total",
    "Machines that were not heard from any more",
    [],
  );
  readonly #files = this.#counter("files_sent_total", "Transfers that ended", [
    "protocol",
    "role",
    "outcome",
  ]);
  readonly #bytes = this.#counter("sent_bytes_total", "Bytes of files", ["protocol", "role"]);

  constructor({ states, transfers }: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: "kairos_netboot_machines",
      help: "Machines that were heard of, by their state",
      labelNames: ["state"],
      registers,
      collect() {
        this.reset();
        for (const [state, count] of states()) this.set({ state }, count);
      },
    });
    new Gauge({
      name: "kairos_netboot_transfers",
      help: "Transfers under way by HTTP",
      registers,
      collect() {
        this.set(transfers());
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  count(event: ServeEvent): void {
    switch (event.type) {
      case "offered": {
        const { architecture = "unknown", firmware = "unknown" } = event;
        this.#offers.inc({ architecture, firmware });
        break;
      }
      case "ignored":
        if (event.isNotable) this.#ignored.inc();
        break;
      case "booted":
        this.#boots.inc({ release: event.release });
        break;
      case "stalled":
        this.#stalls.inc();
        break;
      case "sent": {
        const { protocol, role, sent, isComplete } = event;
        const outcome = isComplete ? "complete" : "broken-off";
        this.#files.inc({ protocol, role, outcome });
        this.#bytes.inc({ protocol, role }, sent);
        break;
      }
    }
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    const registers = [this.#registry];
    return new Counter({ name: `kairos_netboot_${name}`, help, labelNames, registers });
  }
}
