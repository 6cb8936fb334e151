export { type AskOptions, askServer } from "./ask-server.js";
export type { CheckResult } from "./check-result.js";
export { checkServing, requirePorts } from "./checks.js";
export type { MachineEvent, ServeEvent } from "./events.js";
export type { MachineReport } from "./http/machine-status.js";
export { normalMac } from "./machines/machine.js";
export type { ServeOptions } from "./options.js";
export { serve } from "./serve.js";
