import { netbootJsonSchema } from "../../src/artifacts/index.js";
import { commandsPage } from "./commands-page.js";
import { errorCodesPage } from "./error-codes-page.js";
import { eventsPage } from "./events-page.js";
import { manPages } from "./man-pages.js";
import { metricsPage } from "./metrics-page.js";
import { netbootJsonPage } from "./netboot-json-page.js";

/** All generated files of the repository: path to content. */
export function generatedFiles(): Map<string, string> {
  const man = [...manPages()].map(([name, page]): [string, string] => [`man/${name}`, page]);
  return new Map([
    ["docs/reference/commands.md", commandsPage()],
    ["docs/reference/error-codes.md", errorCodesPage()],
    ["docs/reference/events.md", eventsPage()],
    ["docs/reference/metrics.md", metricsPage()],
    ["docs/reference/netboot-json.md", netbootJsonPage()],
    ["src/packaging/netboot.schema.json", `${JSON.stringify(netbootJsonSchema(), undefined, 2)}\n`],
    ...man,
  ]);
}
