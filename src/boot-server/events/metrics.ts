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

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

interface CounterDescription {
  readonly type: "counter";
  readonly help: string;
  readonly labels: readonly string[];
  /** By how much an event increases the counter; undefined for other events. */
  readonly count: (event: ServeEvent) => Sample | undefined;
}

interface GaugeDescription {
  readonly type: "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (sources: MetricSources) => readonly Sample[];
}

/**
 * The metrics of the server, besides the default ones of prom-client about the Node.js process. The
 * reference of the metrics is generated from this table.
 */
export const metricDescriptions: Readonly<Record<string, CounterDescription | GaugeDescription>> = {
  kairos_netboot_offers_total: {
    type: "counter",
    help: "Offers to machines that ask to be booted",
    labels: ["architecture", "firmware"],
    count: (event) => {
      if (event.type !== "offered") return undefined;
      const { architecture = "unknown", firmware = "unknown" } = event;
      return { labels: { architecture, firmware }, value: 1 };
    },
  },
  kairos_netboot_ignored_total: {
    type: "counter",
    help: "Requests that were refused or not answered, without those that are not for this server",
    labels: [],
    count: (event) => (event.type === "ignored" && event.isNotable ? { value: 1 } : undefined),
  },
  kairos_netboot_boots_total: {
    type: "counter",
    help: "Machines that fetched everything they need",
    labels: ["release"],
    count: (event) =>
      event.type === "booted" ? { labels: { release: event.release }, value: 1 } : undefined,
  },
  kairos_netboot_stalls_total: {
    type: "counter",
    help: "Machines that stopped in the middle of booting",
    labels: [],
    count: (event) => (event.type === "stalled" ? { value: 1 } : undefined),
  },
  kairos_netboot_files_sent_total: {
    type: "counter",
    help: "Transfers that ended",
    labels: ["protocol", "role", "outcome"],
    count: (event) => {
      if (event.type !== "sent") return undefined;
      const { protocol, role } = event;
      const outcome = event.isComplete ? "complete" : "broken-off";
      return { labels: { protocol, role, outcome }, value: 1 };
    },
  },
  kairos_netboot_sent_bytes_total: {
    type: "counter",
    help: "Bytes of files that were sent",
    labels: ["protocol", "role"],
    count: (event) => {
      if (event.type !== "sent") return undefined;
      const { protocol, role, sent } = event;
      return { labels: { protocol, role }, value: sent };
    },
  },
  kairos_netboot_machines: {
    type: "gauge",
    help: "Machines that the server knows, by state",
    labels: ["state"],
    read: ({ countStates }) =>
      [...countStates()].map(([state, value]) => ({ labels: { state }, value })),
  },
  kairos_netboot_transfers: {
    type: "gauge",
    help: "HTTP transfers that are running",
    labels: [],
    read: ({ countTransfers }) => [{ value: countTransfers() }],
  },
};

/** Gauges of prom-client that have the suffix of counters, which `promtool check metrics` rejects. */
const misnamedDefaults = ["handles", "requests", "resources"].map(
  (what) => `nodejs_active_${what}_total`,
);

/** Counts what happens, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters: readonly { counter: Counter; count: CounterDescription["count"] }[];

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamedDefaults) this.#registry.removeSingleMetric(name);
    this.#counters = Object.entries(metricDescriptions).flatMap(([name, metric]) => {
      const configuration = { name, help: metric.help, labelNames: [...metric.labels], registers };
      if (metric.type === "counter") {
        return [{ counter: new Counter(configuration), count: metric.count }];
      }
      new Gauge({
        ...configuration,
        collect() {
          this.reset();
          for (const { labels = {}, value } of metric.read(sources)) this.set(labels, value);
        },
      });
      return [];
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  count(event: ServeEvent): void {
    for (const { counter, count } of this.#counters) {
      const sample = count(event);
      if (sample !== undefined) counter.inc(sample.labels ?? {}, sample.value);
    }
  }
}
