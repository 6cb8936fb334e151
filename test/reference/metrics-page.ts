import { metricDescriptions } from "../../src/boot-server/index.js";
import { formatTable, generatedNotice, joinBlocks } from "./markdown.js";

/** docs/reference/metrics.md */
export function metricsPage(): string {
  const rows = Object.entries(metricDescriptions).map(([name, { type, help, labels }]) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  return joinBlocks([
    "# Metrics",
    generatedNotice,
    "`serve` exports these metrics for Prometheus at `/metrics` on its HTTP port, along with the default metrics of [prom-client](https://github.com/siimon/prom-client) about the Node.js process.",
    formatTable(["Metric", "Type", "Labels", "Meaning"], rows),
  ]);
}
