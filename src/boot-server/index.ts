export type { MachineEvent, ServeEvent } from "./events.js";
export type { ServeOptions } from "./options.js";
export { serve } from "./serve.js";
