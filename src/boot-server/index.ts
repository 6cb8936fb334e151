export type { CheckResult } from "./check/check-result.js";
export { checkServing, requirePorts } from "./check/check-serving.js";
export { type MachineEvent, type ServeEvent, serveEventDescriptions } from "./events/events.js";
export { metricDescriptions } from "./events/metrics.js";
export type { MachineReport } from "./http/machine-status.js";
export { type QueryOptions, queryServer } from "./http/query-server.js";
export { normalizeMac } from "./machines/machine.js";
export type { ServeOptions } from "./options/serve-options.js";
export { serve } from "./serve.js";
