import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { MachineState } from "./boot-session.js";
import type { ServeEvent } from "./events.js";

/** The sources of the gauges, which show the present. */
export interface MetricSources {
  /** The number of machines in each state. */
  countStates(): ReadonlyMap<MachineState, number>;
  /** The number of HTTP transfers that are running. */
  countTransfers(): number;
}

interface MetricDescription {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
}

/**
 * The metrics of the server, besides the default ones of prom-client about the Node.js process. The
 * reference of the metrics is generated from this table.
 */
export const metricDescriptions = {
  kairos_netboot_offers_total: {
    type: "counter",
    help: "Offers to machines that ask to be booted",
    labels: ["architecture", "firmware"],
  },
  kairos_netboot_ignored_total: {
    type: "counter",
    help: "Requests that were refused or not answered",
    labels: [],
  },
  kairos_netboot_boots_total: {
    type: "counter",
    help: "Machines that fetched everything they need",
    labels: ["release"],
  },
  kairos_netboot_stalls_total: {
    type: "counter",
    help: "Machines that stopped in the middle of booting",
    labels: [],
  },
  kairos_netboot_files_sent_total: {
    type: "counter",
    help: "Transfers that ended",
    labels: ["protocol", "role", "outcome"],
  },
  kairos_netboot_sent_bytes_total: {
    type: "counter",
    help: "Bytes of files that were sent",
    labels: ["protocol", "role"],
  },
  kairos_netboot_machines: {
    type: "gauge",
    help: "Machines that the server knows, by state",
    labels: ["state"],
  },
  kairos_netboot_transfers: {
    type: "gauge",
    help: "HTTP transfers that are running",
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDescription>>;

type MetricName = keyof typeof metricDescriptions;

/** Counts what happens, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #offers = this.#counter("kairos_netboot_offers_total");
  readonly #ignored = this.#counter("kairos_netboot_ignored_total");
  readonly #boots = this.#counter("kairos_netboot_boots_total");
  readonly #stalls = this.#counter("kairos_netboot_stalls_total");
  readonly #filesSent = this.#counter("kairos_netboot_files_sent_total");
  readonly #sentBytes = this.#counter("kairos_netboot_sent_bytes_total");

  constructor({ countStates, countTransfers }: MetricSources) {
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge("kairos_netboot_machines", (gauge) => {
      gauge.reset();
      for (const [state, count] of countStates()) gauge.set({ state }, count);
    });
    this.#gauge("kairos_netboot_transfers", (gauge) => gauge.set(countTransfers()));
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
        this.#filesSent.inc({ protocol, role, outcome });
        this.#sentBytes.inc({ protocol, role }, sent);
        break;
      }
    }
  }

  #counter(name: MetricName): Counter {
    return new Counter(this.#configuration(name));
  }

  #gauge(name: MetricName, collect: (gauge: Gauge) => void): void {
    new Gauge({
      ...this.#configuration(name),
      collect() {
        collect(this);
      },
    });
  }

  #configuration(name: MetricName) {
    const { help, labels } = metricDescriptions[name];
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}
